"""A blind trial: which of several answers, shown without their models' names, is the best."""
