// Where the records are: spots between the lines of latitude and longitude.

import { useMemo } from "preact/hooks";

import { bounds, degrees, extent, framed, grid, spots, type Place, type Spot } from "./places.ts";
import { many } from "./words.ts";

const WIDTH = 640;
const LOWEST = 200;
const HIGHEST = 440;
const LISTED = 200;

export function Positions({ places, of }: { places: readonly Place[]; of: number }) {
  const drawn = useMemo(() => draw(places), [places]);
  const { within, height, found, x, y } = drawn;
  const { south, north, west, east } = extent(places);
  const reach =
    `from ${degrees(south, "N", "S")} to ${degrees(north, "N", "S")}` +
    ` and from ${degrees(west, "E", "W")} to ${degrees(east, "E", "W")}`;
  return (
    <figure class="stack">
      <figcaption>
        {places.length.toLocaleString("en")} of {many(of, "record")} have a position, at{" "}
        {many(found.length, "spot")}, {reach}.
      </figcaption>
      <svg class="map" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={`Positions ${reach}`}>
        {grid(Math.max(within.west, -180), Math.min(within.east, 180)).map((at) => (
          <g key={`e${at}`}>
            <line x1={x(at)} x2={x(at)} y1={0} y2={height} />
            <text x={x(at) + 3} y={height - 4}>
              {degrees(at, "E", "W")}
            </text>
          </g>
        ))}
        {grid(Math.max(within.south, -90), Math.min(within.north, 90)).map((at) => (
          <g key={`n${at}`}>
            <line x1={0} x2={WIDTH} y1={y(at)} y2={y(at)} />
            <text x={4} y={y(at) - 3}>
              {degrees(at, "N", "S")}
            </text>
          </g>
        ))}
        {found.map((spot, at) => (
          <circle key={at} cx={spot.x} cy={spot.y} r={Math.min(4 + Math.sqrt(spot.count - 1), 18)}>
            <title>{who(spot)}</title>
          </circle>
        ))}
      </svg>
      <details>
        <summary>The same as a table</summary>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Record</th>
              <th scope="col">Latitude</th>
              <th scope="col">Longitude</th>
            </tr>
          </thead>
          <tbody>
            {places.slice(0, LISTED).map((place, at) => (
              <tr key={at}>
                <th scope="row">{place.name}</th>
                <td>{place.latitude}</td>
                <td>{place.longitude}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {places.length > LISTED && <p class="quiet">The first {LISTED}; the table view has them all.</p>}
      </details>
    </figure>
  );
}

function who({ names, count }: Spot): string {
  const more = count - names.length;
  return more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
}

function draw(places: readonly Place[]) {
  const { within, height } = framed(bounds(places), WIDTH, LOWEST, HIGHEST);
  const x = (longitude: number) => ((longitude - within.west) / (within.east - within.west)) * WIDTH;
  const y = (latitude: number) => ((within.north - latitude) / (within.north - within.south)) * height;
  return { within, height, x, y, found: spots(places, within, WIDTH, height) };
}
