"""Records into the journal, and what happens when the flash does not take one."""

from ..protocols import records
from ..protocols.codes import FAULT_FLASH_DAMAGED, FAULT_RING_FULL


class RecordWriter:
    """Packs and journals records; a record that is not taken is a fault and never an exception: nobody is
    kept out for it (S8).
    """

    def __init__(self, journal, faults):
        self._journal = journal
        self._faults = faults

    def write(self, kind, *values, tail=b""):
        """Journal a record of `kind`, durable on return; return its sequence, or 0 if it was not taken."""
        try:
            return self._journal.write(kind, records.pack(kind, *values, tail=tail))
        except OSError:
            self._faults.set(FAULT_RING_FULL if self._journal.vital_full else FAULT_FLASH_DAMAGED, kind)
            return 0
