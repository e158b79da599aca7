"""How often is a gate wrong?

Example: python -m tests.bench gates levels | simulate | record FOLDER [SECONDS] | resample FOLDER

`levels` prints the tables of the rule, `simulate` what it does with noise that is chosen. `record` runs the command,
on a repository that it makes, while the machine is busy, and goes on where it was cut; `resample` draws many gates from
its blocks. All but the first print Markdown for docs/gate.md.
"""
