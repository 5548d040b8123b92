"""BiMediX2: a bilingual (Arabic-English) medical multimodal language model, as software."""

__version__ = "0.1.0"
