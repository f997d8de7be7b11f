"""`python -m glovebox_tools.box` is `glovebox-box`."""

import sys

from glovebox_tools.box.cli import main

sys.exit(main())
