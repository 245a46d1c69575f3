"""Digi's own Python library for the older API, against a simulator on a port."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.support import NOW

# It is years old, and uses what is deprecated since.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
]


@pytest.fixture(scope="module")
def library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import devicecloud
        import devicecloud.conditions
        import devicecloud.devicecore
        import devicecloud.filedata
        import devicecloud.monitor
        import devicecloud.streams
    return devicecloud


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(devices=8, seed=1, clock=Clock(NOW, speed=0), port=0) as simulator:
        yield simulator


@pytest.fixture
def cloud(library: Any, simulator: Simulator) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cloud = library.DeviceCloud("user", "password", base_url=simulator.url)
    yield cloud
    cloud.get_connection()._session.close()


def test_credentials(cloud: Any) -> None:
    assert cloud.has_valid_credentials()


def test_devices(library: Any, cloud: Any, simulator: Simulator) -> None:
    core = library.devicecore
    stored = {device["id"]: device for device in simulator.devices}
    found = {device.get_connectware_id(): device for device in cloud.devicecore.get_devices(page_size=3)}
    assert found.keys() == stored.keys()
    for key, device in found.items():
        assert device.is_connected() == (stored[key]["connection_status"] == "connected")
        assert device.get_tags() == stored[key].get("tags", [])
        assert device.get_group_path() == stored[key].get("group", "")
        assert device.get_mac() == stored[key]["mac"]
        if "last_connect" in stored[key]:
            assert (
                device.get_last_connected_dt().isoformat(timespec="milliseconds").replace("+00:00", "Z")
                == (stored[key]["last_connect"])
            )
    first = next(iter(found.values()))
    [same] = cloud.devicecore.get_devices(core.dev_mac == first.get_mac())
    assert same.get_device_id() == first.get_device_id()
    key = first.get_connectware_id()

    def again() -> Any:
        # The library's object of a device that it has changed can no longer be used.
        return next(iter(cloud.devicecore.get_devices(core.dev_connectware_id == key)))

    first.add_tag("lab & co")
    assert "lab & co" in again().get_tags()
    again().add_to_group("lab/one")
    assert again().get_group_path() == "lab/one"
    again().remove_from_group()
    assert again().get_group_path(use_cached=False) == ""
    cloud.devicecore.delete_device(again())
    assert key not in {device["id"] for device in simulator.devices}


def test_groups(cloud: Any) -> None:
    groups = list(cloud.devicecore.get_groups())
    root = cloud.devicecore.get_group_tree_root()
    assert root.is_root()
    assert [group.get_id() for group in groups if group.is_root()] == [root.get_id()]
    assert root.get_children()


def test_provisioning(cloud: Any, simulator: Simulator) -> None:
    made = cloud.devicecore.provision_device(mac_address="00:40:9D:11:22:33", group_path="lab", contact="Ada")
    assert made["error"] is False
    key = "00000000-00000000-00409DFF-FF112233"
    assert simulator.devices[key]["contact"] == "Ada"
    first, second = cloud.devicecore.provision_devices([{"device_id": key}, {"imei": "112222223333332"}])
    assert (first["error"], first["error_msg"]) == (True, f"The device {key} is already provisioned.")
    assert second["error"] is False


def test_streams(library: Any, cloud: Any) -> None:
    streams = library.streams
    assert cloud.streams.get_stream_if_exists("lab/t") is None
    stream = cloud.streams.create_stream("lab/t", "float", description="a b", units="C")
    assert (stream.get_data_type(), stream.get_units(), stream.get_description()) == ("FLOAT", "C", "a b")
    stream.write(streams.DataPoint(data=1.5, timestamp=NOW))
    later = [streams.DataPoint(data=float(n), timestamp=NOW + timedelta(minutes=n), quality=n) for n in range(1, 6)]
    stream.bulk_write_datapoints(later)
    assert [point.get_data() for point in stream.read(newest_first=False)] == [1.5, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert [point.get_data() for point in stream.read(page_size=2)] == [5.0, 4.0, 3.0, 2.0, 1.0, 1.5]
    window = stream.read(start_time=NOW + timedelta(minutes=2), end_time=NOW + timedelta(minutes=4))
    assert [(point.get_data(), point.get_quality()) for point in window] == [(3.0, 3), (2.0, 2)]
    assert stream.get_current_value().get_data() == 5.0
    [hour] = stream.read(rollup_interval="hour", rollup_method="max")
    assert (hour.get_data(), hour.get_timestamp()) == (5.0, NOW)
    newest = next(iter(stream.read()))
    stream.delete_datapoint(newest)
    stream.delete_datapoints_in_time_range(start_dt=NOW + timedelta(minutes=3))
    assert [point.get_data() for point in stream.read(newest_first=False)] == [1.5, 1.0, 2.0]
    assert "lab/t" in {found.get_stream_id() for found in cloud.streams.get_streams()}
    assert [found.get_stream_id() for found in cloud.streams.get_streams("lab")] == ["lab/t"]
    stream.delete()
    with pytest.raises(streams.NoSuchStreamException):
        stream.delete()
    with pytest.raises(streams.NoSuchStreamException):
        list(stream.read())


def test_points_of_several_streams(library: Any, cloud: Any) -> None:
    point = library.streams.DataPoint
    cloud.streams.bulk_write_datapoints(
        [point(stream_id=f"lab/{n % 3}", data_type="INTEGER", units="m", data=n) for n in range(300)]
    )
    assert [len(list(cloud.streams.get_stream(f"lab/{n}").read(page_size=70))) for n in range(3)] == [100, 100, 100]


def test_files(library: Any, cloud: Any) -> None:
    content = bytes(range(256))
    cloud.filedata.write_file("~/lab/deep", "a.bin", content, content_type="application/binary")
    cloud.filedata.write_file("/~/lab", "b.txt", b"text", content_type="text/plain")
    walked = [
        (root, sorted(item.get_name() for item in folders), sorted(item.get_name() for item in files))
        for root, folders, files in cloud.filedata.walk()
    ]
    assert [(folders, files) for _, folders, files in walked] == [(["lab"], []), (["deep"], ["b.txt"]), ([], ["a.bin"])]
    [found] = cloud.filedata.get_filedata(library.filedata.fd_name == "a.bin")
    assert (found.get_size(), found.get_content_type(), found.get_type()) == (256, "application/binary", "file")
    assert found.get_last_modified_date() == NOW
    assert cloud.get_connection().get(f"/ws/FileData{found.get_full_path()}").content == content
    found.delete()
    assert list(cloud.filedata.get_filedata(library.filedata.fd_name == "a.bin")) == []
    with pytest.raises(library.DeviceCloudHttpException):
        found.delete()


def test_monitors(cloud: Any) -> None:
    topics = ["DeviceCore[U]", "FileDataCore"]
    made = cloud.monitor.create_tcp_monitor(topics)
    found = cloud.monitor.get_monitor(topics)
    assert found.get_id() == made.get_id()
    assert (found.get_metadata()["monTopic"], found.get_metadata()["monCompression"]) == (",".join(topics), "zlib")
    http = cloud.monitor.create_http_monitor(topics, "http://127.0.0.1/", transport_token="a:b")
    assert http.get_metadata()["monTransportUrl"] == "http://127.0.0.1/"
    made.delete()
    http.delete()
    assert cloud.monitor.get_monitor(topics) is None
