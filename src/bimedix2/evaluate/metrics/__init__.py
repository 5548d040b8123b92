"""Scores of answers and reports that need no model under evaluation: pairs of texts in, numbers out.

Each module is one metric or one family and knows nothing of tasks, folders or the command line. Those of
``compat`` give the numbers of MultiMedEval 1.0.0, its peculiarities included, and are held to its own output
(``tests/evaluate/metrics``); those for Arabic are this project's own and are never mixed with them.
"""
