"""The digests of hls4ml's headers by version, for kernels.json of the front end of its projects.

    python campaigns/hls4ml_kernels.py 0.6=FOLDER 0.7=FOLDER ... > qcompress/frontends/hls4ml_project/kernels.json

FOLDER holds hls4ml/templates of an installed version.
"""

import json
import sys
from pathlib import Path

from qcompress.frontends.hls4ml_project.kernels import HEADERS, digest

PLACES = {
    "Vivado": ("vivado/nnet_utils", "vitis/nnet_utils"),
    "Catapult": ("catapult/nnet_utils",),
    "Quartus": ("quartus/firmware/nnet_utils",),
}
"""Where the headers of a backend lie; Vitis has some of its own."""


def main() -> int:
    found: dict[str, dict[str, list[str]]] = {}
    names = sorted({name for kind in HEADERS.values() for name in kind})
    for argument in sys.argv[1:]:
        version, _, folder = argument.partition("=")
        for backend, places in PLACES.items():
            for path in (Path(folder, "hls4ml", "templates", place, name) for place in places for name in names):
                if path.is_file():
                    versions = found.setdefault(f"{backend}/{path.name}", {}).setdefault(digest(path.read_text()), [])
                    versions += [version] if version not in versions else []
    told = {name: {key: " ".join(versions) for key, versions in own.items()} for name, own in sorted(found.items())}
    print(json.dumps(told, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
