"""Speed and size of the service and of training, printed by a command (`make bench`), asserted by nothing."""
