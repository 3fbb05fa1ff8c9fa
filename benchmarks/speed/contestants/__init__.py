"""Who races, one file each.

A file has a function for every task that it takes part in, named after the task:
``diversity(arrays, parameters)`` returns rows, or rows and facts as JSON data. Arrays that the
task leaves on disk come as paths. ``prepared_TASK(arrays, parameters)``, if there is one, brings
the arrays into the form that the program takes, before the clock starts.

A file runs in an environment that has numpy and its ``REQUIREMENTS``, and nothing of this
repository unless there are none, so it imports what it needs inside the functions.
"""
