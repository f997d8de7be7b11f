"""NOR flash of the W25Q128 class: a program only clears bits, an erase sets a whole 4 KB sector.

Source: Winbond W25Q128JV data sheet, sections "Page Program (02h)" and "Sector Erase (20h)": pages of 256
bytes that do not wrap here (a program over a page's end is an error), sectors of 4,096 bytes.

The memory is anything that can be indexed and sliced like a bytearray (a bytearray, an mmap of an image
file). Power may be cut at any operation (`cut_at`): the model then leaves what the mode says and raises
PowerCut.
"""

from chips.errors import ChipError, PowerCut

PAGE_SIZE = 256
SECTOR_SIZE = 4096
MODES = ("dropped", "torn", "torn_garbage", "unreported")


class NorFlash:
    def __init__(self, memory, seed=1):
        """`seed` decides where a torn operation stops and what garbage it leaves."""
        self.memory = memory
        self.size = len(memory)
        self.programs = 0
        self.erases = 0
        self.bytes_programmed = 0
        self.overprograms = 0  # bits asked to go from 0 to 1: they stay 0, as on silicon
        self.wear = {}  # sector number -> erase cycles
        self.on_operation = None  # function(name, address, length), after each completed operation
        self._cut_in = 0
        self._cut_mode = None
        self._last = None  # (is an erase, address, what was there, what was wanted) of the last operation
        self._random = seed & 0x7FFFFFFF or 1

    # -- faults ---------------------------------------------------------------------------------------------
    def cut_at(self, n, mode="torn"):
        """Cut power at the n-th program or erase from now, counted from 1. `n` 0 takes a planned cut back.

        Modes: `dropped` nothing of it happened; `torn` a part of it; `torn_garbage` a part of it and
        unsteady bits; `unreported` all of it, but nobody was told.
        """
        if mode not in MODES:
            raise ValueError(mode)
        self._cut_in = n
        self._cut_mode = mode

    def tear_last(self):
        """Power has gone while the last operation was still under way: it is torn after all, in one of the
        two ways."""
        if self._last is None:
            return
        is_erase, address, before, wanted = self._last
        self._last = None
        self._cut_mode = MODES[1 + self._next_random(2)]
        done = self._tear_erase(before) if is_erase else self._tear_program(before, wanted)
        self.memory[address : address + len(done)] = bytes(done)

    def _next_random(self, bound):
        # A 31-bit linear congruence: the same in both Pythons, and without big integers.
        self._random = (self._random * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._random >> 8) % bound

    def _is_cut(self):
        if self._cut_in:
            self._cut_in -= 1
            return self._cut_in == 0
        return False

    # -- operations -----------------------------------------------------------------------------------------
    def read(self, address, length):
        self._check(address, length)
        return bytes(self.memory[address : address + length])

    def program(self, address, data):
        """Program up to one page; each bit can only go from 1 to 0."""
        length = len(data)
        self._check(address, length)
        if length == 0 or address % PAGE_SIZE + length > PAGE_SIZE:
            raise ChipError("a program crosses a page: address %d length %d" % (address, length))
        is_cut = self._is_cut()
        before = self.memory[address : address + length]
        result = bytearray(length)
        for i in range(length):
            result[i] = before[i] & data[i]
            if result[i] != data[i]:
                self.overprograms += 1
        if is_cut and self._cut_mode != "unreported":
            done = self._tear_program(before, result)
            self.memory[address : address + length] = bytes(done)
            raise PowerCut("program at %d" % address)
        self.memory[address : address + length] = bytes(result)
        self._last = (False, address, before, result)
        self.programs += 1
        self.bytes_programmed += length
        if is_cut:
            raise PowerCut("program at %d, done but unreported" % address)
        if self.on_operation:
            self.on_operation("program", address, length)

    def erase(self, address):
        """Erase the sector that begins at `address`."""
        self._check(address, SECTOR_SIZE)
        if address % SECTOR_SIZE:
            raise ChipError("an erase that does not begin at a sector: %d" % address)
        sector = address // SECTOR_SIZE
        is_cut = self._is_cut()
        before = self.memory[address : address + SECTOR_SIZE]
        if is_cut and self._cut_mode != "unreported":
            self.memory[address : address + SECTOR_SIZE] = bytes(self._tear_erase(before))
            if self._cut_mode != "dropped":
                self.wear[sector] = self.wear.get(sector, 0) + 1
            raise PowerCut("erase at %d" % address)
        self.memory[address : address + SECTOR_SIZE] = b"\xff" * SECTOR_SIZE
        self._last = (True, address, before, None)
        self.erases += 1
        self.wear[sector] = self.wear.get(sector, 0) + 1
        if is_cut:
            raise PowerCut("erase at %d, done but unreported" % address)
        if self.on_operation:
            self.on_operation("erase", address, SECTOR_SIZE)

    def max_wear(self, start=0, length=None):
        """The most erase cycles that any sector of a range has had."""
        end = self.size if length is None else start + length
        most = 0
        for sector, cycles in self.wear.items():
            if start <= sector * SECTOR_SIZE < end:
                most = max(most, cycles)
        return most

    # -- torn operations ------------------------------------------------------------------------------------
    def _tear_program(self, before, wanted):
        done = bytearray(before)
        if self._cut_mode == "dropped":
            return done
        reach = self._next_random(len(done))
        for i in range(reach):
            done[i] = wanted[i]
        if self._cut_mode == "torn_garbage":
            # Cells under way: any subset of the bits that were to be cleared.
            for i in range(reach, len(done)):
                done[i] = before[i] & (wanted[i] | self._next_random(256))
        return done

    def _tear_erase(self, before):
        done = bytearray(before)
        if self._cut_mode == "dropped":
            return done
        if self._cut_mode == "torn":
            reach = self._next_random(SECTOR_SIZE)
            for i in range(reach):
                done[i] = 0xFF
            return done
        for i in range(SECTOR_SIZE):
            done[i] = before[i] | self._next_random(256)
        return done

    def _check(self, address, length):
        if address < 0 or address + length > self.size:
            raise ChipError("beyond the flash: %d" % address)
