"""A tar's headers, read within bounds."""

from __future__ import annotations

import tarfile

from db.errors import UserError

_LARGEST_HEADER = 1024**2  # of extended headers, which the library reads whole
_EXTENDED = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}) | frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)


class BoundedInfo(tarfile.TarInfo):
    """A tar header that refuses an extended one of a size no honest name or attribute has."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> BoundedInfo:
        """Read a header of 512 bytes.

        Raises:
            UserError: it announces an extended header of over a megabyte.
        """
        info = super().frombuf(buf, encoding, errors)
        if info.type in _EXTENDED and info.size > _LARGEST_HEADER:
            raise UserError("The archive holds a header too large to be honest. Pack it again.")
        return info
