"""A small library of cells whose energies are round numbers, and netlists of them."""

import json
from pathlib import Path
from typing import Any

LIBRARY = """
/* comment { with braces */
library (small) {
  capacitive_load_unit (1, ff);
  voltage_unit : "1V"; leakage_power_unit : "1nW"; nom_voltage : 2.0;
  default_wire_load : "wires";
  wire_load ("wires") { capacitance : 0.5; slope : 4.0; fanout_length (1, 2.0); }
  lu_table_template (by_slew) { variable_1 : input_net_transition; variable_2 : total_output_net_capacitance; }
  power_lut_template (by_load) { variable_1 : total_output_net_capacitance; variable_2 : input_transition_time; }
  cell (INV) {
    area : 2.0; cell_leakage_power : 7.0;
    pin (A) { direction : input; capacitance : 3.0; }
    pin (Y) { direction : output; function : "!A";
      timing () { related_pin : "A";
        rise_transition (by_slew) { index_1 ("0, 1"); index_2 ("0, 100"); values ("0, 1", \\
                                                                                 "0.5, 1.5"); }
      }
      internal_power () { related_pin : "A";
        rise_power (scalar) { values ("4"); }
        fall_power (scalar) { values ("6"); } } }
  }
  cell (NAND2) {
    area : 3.0; cell_leakage_power : 5.0;
    pin (A) { direction : input; capacitance : 1.0; } pin (B) { direction : input; capacitance : 1.0; }
    pin (Y) { direction : output; function : "(A B)'";
      internal_power () { rise_power (by_load) { index_1 ("0, 10"); index_2 ("0, 1"); values ("2, 2", "4, 4"); } } }
  }
  cell (XOR2) {
    area : 6.0;
    leakage_power () { value : 2.0; when : "A"; } leakage_power () { value : 4.0; when : "!A"; }
    pin (A) { direction : input; rise_capacitance : 1.0; fall_capacitance : 3.0; }
    pin (B) { direction : input; capacitance : 2.0; }
    pin (Y) { direction : output; function : "A ^ B"; }
  }
  cell (DFF) {
    area : 9.0; cell_leakage_power : 11.0;
    ff ("IQ", "IQN") { clocked_on : "CK"; next_state : "D"; }
    pin (CK) { direction : input; clock : true; capacitance : 2.0;
      internal_power () { rise_power (scalar) { values ("1"); } fall_power (scalar) { values ("2"); } } }
    pin (D) { direction : input; capacitance : 1.5; }
    pin (Q) { direction : output; function : "IQ"; } pin (QN) { direction : output; function : "IQN"; }
  }
  cell (EDFF) {
    area : 12.0;
    ff ("IQ", "IQN") { clocked_on : "CK"; next_state : "(E & D) | (!E & IQ)"; }
    pin (CK) { direction : input; capacitance : 2.0; } pin (E) { direction : input; capacitance : 1.0; }
    pin (D) { direction : input; capacitance : 1.0; }
    pin (Q) { direction : output; function : "IQ"; } pin (QN) { direction : output; function : "IQN"; }
  }
}
"""

Ports = dict[str, tuple[str, list[int | str]]]
"""name -> direction and nets."""


def module(ports: Ports, cells: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """A module as yosys writes it; cells: type and pin -> net, or nets of a bus."""
    return {
        "ports": {name: {"direction": way, "bits": bits} for name, (way, bits) in ports.items()},
        "cells": {
            f"u{number}": {
                "type": kind,
                "connections": {pin: net if isinstance(net, list) else [net] for pin, net in pins.items()},
            }
            for number, (kind, pins) in enumerate(cells)
        },
    }


def write_netlist(path: Path, modules: dict[str, Any]) -> Path:
    """A file of `modules`, by name."""
    path.write_text(json.dumps({"creator": "by hand", "modules": modules}))
    return path
