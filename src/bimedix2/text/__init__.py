"""Arabic and English text as strings: normalisation, scripts, whole words. Knows no medicine."""
