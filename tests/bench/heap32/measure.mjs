// node measure.mjs IMAGE: bytes of heap that the firmware in a ROMFS image takes, imported, in 32-bit words.
import fs from "node:fs";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript";

const python = await loadMicroPython({ heapsize: 4 * 1024 * 1024, stdout: console.log, linebuffer: true });
python.FS.writeFile("/box.romfs", fs.readFileSync(process.argv[2]));
python.runPython(fs.readFileSync(new URL("import_all.py", import.meta.url), "utf8"));
python.runPython('modules = mount("/box.romfs")');
// This port collects only once a call from outside has ended: its stack cannot be searched before.
python.runPython("gc.collect()");
python.runPython("before = gc.mem_alloc()");
python.runPython("import_all(modules)");
python.runPython("gc.collect()");
python.runPython("tell(before)");
