"""BiMed-MBench: the published files and their traps, a judge and its prompts, and scores."""
