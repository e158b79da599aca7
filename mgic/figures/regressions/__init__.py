"""What `mgic gate` found, drawn: the blocks of one comparison, and a metric over many."""
