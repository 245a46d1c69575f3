"""The id that a device has at the service, from what is printed on the device.

Source: Digi's Cloud Connector user manual (90001417), "How to generate the Device ID", which agrees with the recorded
answers: a MAC-48 `112233:445566` is `00000000-00000000-112233FF-FF445566`, an IMEI `AA-BBBBBB-CCCCCC-D` is
`00010000-00000000-0AABBBBB-BCCCCCCD`, its check digit included. That an EUI-64 stands there as it is, is inferred: the
rule for a MAC-48 is the standard way to make one of it.
"""

from __future__ import annotations


def device_id(mac_or_imei: str) -> str:
    """The device id of a MAC (EUI-48 or EUI-64) or of an IMEI: `00000000-00000000-00409DFF-FF112233`.

    A MAC is 12 or 16 hexadecimal digits, alone or in equal groups with `:`, `-` or `.` between them; an IMEI is 15
    decimal digits, with or without `-` or blanks. Raises ValueError for anything else, and for an IMEI whose check
    digit is wrong, unless it is the 0 that modems give where they leave it out (3GPP TS 23.003).

    A device with several of these has the id of the first Ethernet interface, then of Wi-Fi, then of the modem.
    """
    text = mac_or_imei.strip()
    digits = _imei(text)
    if digits is not None:
        if digits[-1] not in ("0", str(-_luhn(digits[:-1]) % 10)):
            raise ValueError(f"{text!r} is no IMEI: its last digit does not agree with the others")
        return f"00010000-00000000-0{digits[:7]}-{digits[7:]}"
    digits = _mac(text)
    if digits is None:
        raise ValueError(
            f"{text[:60]!r} is neither a MAC (12 or 16 hexadecimal digits) nor an IMEI (15 decimal digits)"
        )
    if len(digits) == 12:
        digits = f"{digits[:6]}FFFF{digits[6:]}"
    elif text.isdecimal():
        raise ValueError(f"{text!r} may be an IMEI with a software version: write an EUI-64 with ':' between its pairs")
    return f"00000000-00000000-{digits[:8]}-{digits[8:]}"


def _imei(text: str) -> str | None:
    digits = text.replace("-", "").replace(" ", "")
    return digits if digits.isascii() and digits.isdecimal() and len(digits) == 15 else None


def _mac(text: str) -> str | None:
    groups = [text]
    for separator in ":-.":
        if separator in text:
            groups = text.split(separator)
            break
    digits = "".join(groups).upper()
    even = len({len(group) for group in groups}) == 1 and len(groups[0]) % 2 == 0
    return digits if even and len(digits) in (12, 16) and not digits.strip("0123456789ABCDEF") else None


def _luhn(digits: str) -> int:
    """The sum of the Luhn algorithm over digits without their check digit: every second one, from the last, doubled."""
    doubled = [int(digit) * 2 for digit in digits[::-2]]
    return sum(value - 9 if value > 9 else value for value in doubled) + sum(map(int, digits[-2::-2]))
