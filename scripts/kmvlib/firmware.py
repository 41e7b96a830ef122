"""
OVMF without what emulated machines have no use for.

Half of the time until such a machine is up goes into the firmware's unpacking of its own drivers, of which most are for
networks, buses and devices that it doesn't have. Taken out of the packed volume, they cost nothing. What is left is the
firmware's own, byte by byte. Formats: UEFI Platform Initialization Specification, volume 3, chapter 3; the packed
section begins with the header of an LZMA file.
"""

import lzma
import struct
import uuid
from typing import NamedTuple

UNUSED = frozenset(
    # network
    "DpcDxe SnpDxe VlanConfigDxe MnpDxe ArpDxe Dhcp4Dxe Ip4Dxe Udp4Dxe Mtftp4Dxe Dhcp6Dxe Ip6Dxe Udp6Dxe Mtftp6Dxe TcpDxe UefiPxeBcDxe "
    "TlsDxe TlsAuthConfigDxe DnsDxe HttpDxe HttpUtilitiesDxe HttpBootDxe IScsiDxe VirtioNetDxe "
    # disks, screens and keyboards of other machines
    "VirtioPciDeviceDxe Virtio10 VirtioBlkDxe VirtioScsiDxe VirtioRngDxe VirtioFsDxe VirtioGpuDxe QemuRamfbDxe QemuKernelLoaderFsDxe "
    "ScsiBus ScsiDisk NvmExpressDxe RamDiskDxe UdfDxe UhciDxe EhciDxe XhciDxe UsbBusDxe UsbKbDxe UsbMassStorageDxe "
    # shell and set-up
    "Shell tftpDynamicCommand httpDynamicCommand LinuxInitrdDynamicShellCommand UiApp SetupBrowser DisplayEngine LogoDxe SecureBootConfigDxe "
    # trusted platform modules, sleep, byte code
    "TcgDxe Tcg2Dxe Tcg2PlatformDxe Tcg2ConfigDxe S3SaveStateDxe BootScriptExecutorDxe EbcDxe".split()
)

VOLUME_SIGNATURE = b"_FVH"
VOLUME_STEP = 0x1000  # where in an image volumes may begin
FILES = uuid.UUID("8c8ce578-8a3d-4f1c-9935-896185c32dd3").bytes_le  # a volume of files, version 2
EXTENSION_SIZE_AT = 16
FILE_HEADER = struct.Struct("<16sHBB3sB")
FILE_ALIGNMENT = 8
LARGE, ALIGNED = 0x01, 0x3A  # attributes: size elsewhere; place matters
DXE_CORE, VOLUME_IMAGE, PADDING = 0x05, 0x0B, 0xF0  # kinds of files
NAMELESS = (PADDING, 0x01)  # their bytes are not sections
GUIDED, NAME, VOLUME = 0x02, 0x15, 0x17  # kinds of sections
GUIDED_HEADER = struct.Struct("<3sB16sHH")
LZMA = uuid.UUID("ee4e5898-3914-4259-9d6e-dc7bd79403cf").bytes_le
LZMA_HEADER = struct.Struct("<BIQ")
UNPACKED_MOST = 64 << 20


class UnknownFormat(Exception):
    """The image is not one that can be trimmed; says what is missing."""


class Volume(NamedTuple):
    """A volume's header, up to the first entry of its block map."""

    zero: bytes
    format: bytes
    length: int
    signature: bytes
    attributes: int
    header_bytes: int
    checksum: int
    extension: int  # where in the volume a second header lies; 0: there is none
    reserved: int
    revision: int
    blocks: int
    block_bytes: int


VOLUME_HEADER = struct.Struct("<16s16sQ4sIHHHBBII")


class Piece(NamedTuple):
    """A file or section: what kind, its bytes in whatever holds it, header included, and a file's attributes."""

    kind: int
    start: int
    end: int
    attributes: int = 0


def trim(image):
    """The image (bytes), as long as before, without the drivers of UNUSED. Raises UnknownFormat."""
    try:
        return trim_image(image)
    except (struct.error, lzma.LZMAError) as error:
        raise UnknownFormat(f"cut or damaged: {error}") from None


def trim_image(image):
    start, end = packed_section(image)
    packed = image[start:end]
    repacked = pack(trim_volumes(unpack(packed)), packed)
    if len(repacked) > len(packed):
        raise UnknownFormat("what is left takes more room than before")
    return image[:start] + repacked.ljust(len(packed), b"\0") + image[end:]


def packed_section(image):
    """Where in the image the compressed drivers lie."""
    for at in range(0, len(image) - VOLUME_HEADER.size, VOLUME_STEP):
        header = volume_header(image, at)
        if header.signature != VOLUME_SIGNATURE or header.format != FILES:
            continue
        for file in files(image, at):
            if file.kind != VOLUME_IMAGE:
                continue
            section = file.start + FILE_HEADER.size
            size, kind, guid, data, _ = GUIDED_HEADER.unpack_from(image, section)
            if kind == GUIDED and guid == LZMA:
                return section + data, section + int.from_bytes(size, "little")
    raise UnknownFormat("no volume packed with LZMA in it")


def volume_header(data, at=0):
    return Volume(*VOLUME_HEADER.unpack_from(data, at))


def files(data, volume):
    """The files of the volume at `volume`, padding included."""
    header = volume_header(data, volume)
    end = volume + header.length
    at = volume + header.header_bytes
    if header.extension != 0:
        at = volume + header.extension
        at += struct.unpack_from("<I", data, at + EXTENSION_SIZE_AT)[0]
    while True:
        at = volume + round_up(at - volume, FILE_ALIGNMENT)
        if at + FILE_HEADER.size > end or at + FILE_HEADER.size > len(data):
            return
        _, _, kind, attributes, size, _ = FILE_HEADER.unpack_from(data, at)
        bytes_ = int.from_bytes(size, "little")
        if size == b"\xff\xff\xff":
            return
        if attributes & LARGE or bytes_ < FILE_HEADER.size or at + bytes_ > end:
            raise UnknownFormat(f"a file of a size that makes no sense at 0x{at:x}")
        yield Piece(kind, at, at + bytes_, attributes)
        at += bytes_


def sections(data, start, end):
    """The sections that lie from `start` to `end`."""
    at = start
    while at + 4 <= end:
        bytes_ = int.from_bytes(data[at : at + 3], "little")
        if bytes_ < 4 or at + bytes_ > end:
            raise UnknownFormat(f"a section of a size that makes no sense at 0x{at:x}")
        yield Piece(data[at + 3], at, at + bytes_)
        at += round_up(bytes_, 4)


def name_of(data, file):
    """What the file is called; None if nothing is said."""
    if file.kind in NAMELESS:
        return None
    for section in sections(data, file.start + FILE_HEADER.size, file.end):
        if section.kind == NAME:
            return data[section.start + 4 : section.end].decode("utf-16le", errors="replace").rstrip("\0")
    return None


def trim_volumes(data):
    """The unpacked sections, the last of which is the volume of the drivers."""
    pieces = list(sections(data, 0, len(data)))
    if not pieces or pieces[-1].kind != VOLUME:
        raise UnknownFormat("the packed part does not end with a volume")
    start = pieces[-1].start
    volume = trim_volume(data[start + 4 : pieces[-1].end])
    return data[:start] + (len(volume) + 4).to_bytes(3, "little") + bytes([VOLUME]) + volume


def trim_volume(volume):
    """The volume (bytes) without unused files and padding, and no longer than it has to be."""
    found = list(files(volume, 0))
    if DXE_CORE not in {file.kind for file in found}:
        raise UnknownFormat("no DXE core in the packed volume")
    trimmed = bytearray(volume[: found[0].start])
    for file in found:
        if file.kind == PADDING or name_of(volume, file) in UNUSED:
            continue
        if file.attributes & ALIGNED:
            raise UnknownFormat(f"a file that has to lie where it lies at 0x{file.start:x}")
        trimmed += b"\xff" * (round_up(len(trimmed), FILE_ALIGNMENT) - len(trimmed)) + volume[file.start : file.end]
    return close_volume(trimmed)


def close_volume(volume):
    """With its size and checksum in its header; whole blocks, of which there is at least one byte free."""
    header = volume_header(volume)
    if header.blocks == 0 or header.block_bytes == 0:
        raise UnknownFormat("a volume without blocks")
    length = round_up(len(volume) + FILE_HEADER.size, header.block_bytes)
    volume += b"\xff" * (length - len(volume))
    header = header._replace(length=length, blocks=length // header.block_bytes, checksum=0)
    VOLUME_HEADER.pack_into(volume, 0, *header)
    words = struct.unpack_from(f"<{header.header_bytes // 2}H", volume, 0)
    VOLUME_HEADER.pack_into(volume, 0, *header._replace(checksum=-sum(words) & 0xFFFF))
    return bytes(volume)


def unpack(packed):
    *_, size = LZMA_HEADER.unpack_from(packed, 0)
    if size > UNPACKED_MOST:
        raise UnknownFormat(f"a packed part of {size} bytes")
    data = lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=2 * UNPACKED_MOST).decompress(packed, max_length=size)
    if len(data) != size:
        raise UnknownFormat("the packed part ends early")
    return data


def pack(data, packed):
    """`data` compressed with the parameters of `packed`."""
    properties, dictionary, _ = LZMA_HEADER.unpack_from(packed, 0)
    pb, rest = divmod(properties, 45)
    lp, lc = divmod(rest, 9)
    parameters = {"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
    stream = lzma.compress(data, format=lzma.FORMAT_ALONE, filters=[parameters])
    # There the size would be left open, for which this firmware has no ear.
    return LZMA_HEADER.pack(properties, dictionary, len(data)) + stream[LZMA_HEADER.size :]


def round_up(value, unit):
    return -(-value // unit) * unit
