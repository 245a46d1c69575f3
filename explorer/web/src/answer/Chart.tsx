// A line over time by uPlot, in the page's colours and width.

import "uplot/dist/uPlot.min.css";

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { moment, ticks, type Series } from "./series.ts";

const HEIGHT = 280;

export function Chart({ series, label }: { series: Series; label: string }) {
  const host = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const at = host.current!;
    let plot: uPlot | null = null;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(options(at), [series.times.map((time) => time / 1000), series.values], at);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: at.clientWidth, height: HEIGHT }));
    resized.observe(at);
    // A canvas keeps the colours that it was drawn with: another theme draws it anew.
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", draw);
      plot?.destroy();
    };
  }, [series]);

  return <div class="chart" ref={host} role="img" aria-label={label} />;
}

function options(at: HTMLElement): uPlot.Options {
  // Custom properties hold `light-dark(…)`: only a used value is a colour that a canvas knows.
  const probe = document.createElement("i");
  at.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const lines = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--text-quiet"), grid: lines, ticks: lines };
  const line = { label: "Value", stroke: colour("--accent"), width: 1.5 };
  probe.remove();
  return {
    width: at.clientWidth || 600,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    series: [{ label: "Time (UTC)", value: (_plot, at) => (at === null ? "" : moment(at)) }, line],
    axes: [{ ...axis, values: (_plot, at, _axis, _space, step) => ticks(at, step) }, { ...axis, size: 60 }],
    cursor: { drag: { x: true, y: false } },
    legend: { live: true },
  };
}
