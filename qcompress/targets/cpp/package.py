"""What stands around a plug-in so that an experiment's software builds and finds it: Makefile, spec, toolfile.

The names are those of CMSSW's externals: a package of models, each a library MODEL_vVERSION.so in lib64, built against
the packages hls4mlEmulatorExtras (base class, loader) and hls (ap_fixed.h).
"""

import re
import shutil
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.graph.stage import Hashed
from qcompress.targets.cpp.compiled import RECORD
from qcompress.targets.cpp.selftest import FILE
from qcompress.targets.cpp.source import header_name, word
from qcompress.targets.record import read_record

VERSION = "1"
"""Of a plug-in that was given none."""

MAKEFILE = """\
# The plug-in of {name}: $(NAME)_v$(VERSION).so, which a loader asks for by that name without its ending.
# make [NAME=...] [VERSION=...]; make check compares the emulator with its vectors;
# make install [PREFIX=folder] puts the plug-in into PREFIX/lib64, and a toolfile for scram setup into PREFIX;
# EMULATOR_EXTRAS: where include/hls4ml/emulator.h lies; HLS_ROOT: where include/ap_fixed.h lies.
# INPUT, RESULT, TYPES: type of all inputs, of all outputs, and the header that declares them, see plugin.cpp.
NAME := {name}
VERSION := {version}
PREFIX := .
EMULATOR_EXTRAS := ../hls4mlEmulatorExtras
HLS_ROOT := ../hls
CXXFLAGS := -O3 -fPIC -std=c++17
# Of GCC alone: without it dlclose would leave a plug-in in memory.
UNLOADED := $(if $(findstring clang,$(shell $(CXX) --version)),,-fno-gnu-unique)
PLUGIN = $(NAME)_v$(VERSION).so

BASE := $(wildcard $(EMULATOR_EXTRAS)/include/hls4ml/emulator.h)
AP_FIXED := $(wildcard $(HLS_ROOT)/include/ap_fixed.h)
ifneq ($(BASE),)
INTERFACE := -I$(EMULATOR_EXTRAS)/include/hls4ml -DQCOMPRESS_MODEL_HEADER='"emulator.h"' \\
  -DQCOMPRESS_MODEL_BASE=hls4mlEmulator::Model
else ifneq ($(origin EMULATOR_EXTRAS),file)
$(error EMULATOR_EXTRAS=$(EMULATOR_EXTRAS) has no include/hls4ml/emulator.h)
endif
ifneq ($(AP_FIXED),)
TYPES_OF_HLS := -isystem $(HLS_ROOT)/include -DQCOMPRESS_AP_TYPES=1
else ifneq ($(origin HLS_ROOT),file)
$(error HLS_ROOT=$(HLS_ROOT) has no include/ap_fixed.h)
endif
TYPES_OF_CALLER := $(if $(TYPES),-DQCOMPRESS_TYPES_HEADER='"$(TYPES)"') $(if $(INPUT),-DQCOMPRESS_INPUT='$(INPUT)') \\
  $(if $(RESULT),-DQCOMPRESS_RESULT='$(RESULT)')

.DEFAULT_GOAL := all
.PHONY: all check install clean

all: $(PLUGIN)

$(PLUGIN): plugin.cpp {header}
\t$(if $(BASE),,@echo "without hls4ml/emulator.h: a base class of its own (give EMULATOR_EXTRAS)")
\t$(if $(AP_FIXED),,@echo "without ap_fixed.h: integers and real numbers alone (give HLS_ROOT)")
\t$(CXX) $(CXXFLAGS) $(UNLOADED) -Wno-psabi $(INTERFACE) $(TYPES_OF_HLS) $(TYPES_OF_CALLER) -I. -shared plugin.cpp -o $@

selftest: selftest.cpp {header}
\t$(CXX) $(CXXFLAGS) -Wno-psabi selftest.cpp -o $@

check: selftest
\t./selftest

install: all
\tmkdir -p $(PREFIX)/lib64
\tcp $(PLUGIN) $(PREFIX)/lib64
\tsed 's|@TOOL_ROOT@|$(abspath $(PREFIX))|; s|@TOOL_VERSION@|$(VERSION)|' {tool}.xml > $(PREFIX)/{tool}.scram.xml

clean:
\trm -f $(NAME)_v*.so selftest
"""

SPEC = """\
### RPM external {name} {release}
Source: https://github.com/cms-hls4ml/%{{n}}/archive/refs/tags/v%{{realversion}}.tar.gz
Requires: hls4mlEmulatorExtras hls
BuildRequires: gmake

%prep
%setup -n %{{n}}-%{{realversion}}

%build
make %{{makeprocesses}} EMULATOR_EXTRAS=${{HLS4MLEMULATOREXTRAS_ROOT}} HLS_ROOT=${{HLS_ROOT}}

%install
make PREFIX=%{{i}} install
"""

TOOLFILE = """\
<tool name="{tool}" version="@TOOL_VERSION@" revision="1">
  <client>
    <environment name="{base}_BASE" default="@TOOL_ROOT@"/>
    <environment name="LIBDIR" default="${base}_BASE/lib64"/>
  </client>
</tool>
"""


def own_name(graph: Hashed) -> str:
    """The name of a plug-in that was given none."""
    return re.sub("^(?![A-Za-z])", "model_", word(graph.name))


def package(graph: Hashed, name: str | None = None, version: str = VERSION) -> dict[str, str]:
    """Makefile, spec and toolfile of the plug-in of graph, by file name.

    name, version: of the library NAME_vVERSION.so; name: that of the graph unless given. Raises QcompressError for what
    cannot be one.
    """
    name = own_name(graph) if name is None else name
    for what, text, form in (("name", name, r"[A-Za-z]\w*"), ("version", version, r"[0-9]\w*")):
        if not re.fullmatch(form, text, re.ASCII):
            raise QcompressError(
                f"{what} {text!r} of a plug-in: letters, digits and underscores, a {what} such as "
                f"{'GTADModel' if what == 'name' else '3 or 2p1'}"
            )
    release = [number for number in re.split(r"[p_]", version) if number.isdigit()]
    told = {
        "name": name,
        "version": version,
        "release": ".".join([*release, "0", "0"][:3]),
        "header": header_name(graph),
        "tool": name.lower(),
        "base": name.upper(),
    }
    texts = {"Makefile": MAKEFILE, f"{name}.spec": SPEC, f"{name.lower()}.xml": TOOLFILE}
    return {file: text.format(**told) for file, text in texts.items()}


def export(graph: Hashed, built: Path, folder: Path, name: str | None, version: str) -> Path:
    """The plug-in of graph as sources that need nothing else, in folder/NAME_vVERSION, which is returned.

    built: what the C++ target has left. Raises QcompressError if that is there already, or built has none.
    """
    name = own_name(graph) if name is None else name
    texts, into = package(graph, name, version), folder / f"{name}_v{version}"
    sources = [built / file for file in (header_name(graph), "plugin.cpp", "selftest.cpp")]
    recorded = read_record(built / RECORD, graph).get("sources", {})
    for path in sources:
        if not path.is_file() or path.name not in recorded:
            raise QcompressError(f"{path}: missing or of an older version; compile the candidate again")
    if into.exists():
        raise QcompressError(f"{into}: exists; give another version, or remove it")
    into.mkdir(parents=True)
    for path in (*sources, built / FILE):
        if path.is_file():
            shutil.copyfile(path, into / path.name)
    for file, text in texts.items():
        (into / file).write_text(text)
    return into
