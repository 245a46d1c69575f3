import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.device_id import device_id


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # The examples of Digi's manual, and ids and MACs of the recorded answers.
        ("112233:445566", "00000000-00000000-112233FF-FF445566"),
        ("00:27:04:30:D5:A1", "00000000-00000000-002704FF-FF30D5A1"),
        ("00-40-ff-80-01-b0", "00000000-00000000-0040FFFF-FF8001B0"),
        ("0040.ff80.01b0", "00000000-00000000-0040FFFF-FF8001B0"),
        (" 0040ff8001b0\n", "00000000-00000000-0040FFFF-FF8001B0"),
        ("00:13:A2:00:41:04:37:F1", "00000000-00000000-0013A200-410437F1"),
        ("0013A200410437F1", "00000000-00000000-0013A200-410437F1"),
        ("356610072541226", "00010000-00000000-03566100-72541226"),
        ("35-661007-254122-6", "00010000-00000000-03566100-72541226"),
        ("359999042983300", "00010000-00000000-03599990-42983300"),
    ],
)
def test_known_ids(given: str, expected: str) -> None:
    assert device_id(given) == expected


@given(st.binary(min_size=6, max_size=6) | st.binary(min_size=8, max_size=8), st.sampled_from(":-"))
def test_every_spelling_of_a_mac_is_one_id(mac: bytes, separator: str) -> None:
    spelled = mac.hex(separator)
    made = device_id(spelled)
    assert made == device_id(spelled.upper())
    assert made == device_id(mac.hex(".", 2))
    digits = bytes.fromhex(made.replace("-", ""))
    assert digits[:8] == bytes(8)
    assert digits[8:] == (mac if len(mac) == 8 else mac[:3] + b"\xff\xff" + mac[3:])


@pytest.mark.parametrize(
    "text",
    ["", "x", "00:40:9D:11:22", "00:40:9D:11:22:3", "00:40-9D:11:22:33", "0:040:9D:11:22:33", "00:40:9D:11:22:3G",
     "00000000-00000000-00409DFF-FF112233", "35661007254122", "356610072541227", "3566100725412261", "1" * 16,
     "\uff1356610072541226", "x" * 9999],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither a MAC|no IMEI|may be an IMEI") as caught:
        device_id(text)
    assert len(str(caught.value)) < 200
