"""``python -m polystore_streaming.viewer BACKEND``: how senders start a viewer."""

import sys

from polystore_streaming.viewer._process import main

sys.exit(main())
