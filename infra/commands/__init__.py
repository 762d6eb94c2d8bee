"""The commands of ``orchard``, one a module: its arguments, and a few lines that call what does the work.

The other modules here write down what commands print: tables, a bar, an estimate.
"""
