"""One module, one table or figure: its sweep at the paper's scale and at a quick one."""
