"""Start Spark, ship the code to the executors and run photos as tasks.

Most modules import Spark, so each is imported by itself: ``session`` (start, join and stop Spark), ``tasks`` (photo
tasks), ``workers`` (limits of a task), ``slices`` (training rows in slices), ``java`` (find Java), ``gateway``
(start it), ``bundle`` (the code in one file), ``cds_archive`` and ``own_process`` (faster starts of Java and of Python)
are public too.
"""
