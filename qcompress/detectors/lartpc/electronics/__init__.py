"""From electrons that arrive at wires to ADC codes: induced currents, amplifiers, noise, converters."""
