"""The catalogue of tasks: adding a benchmark is one file here and one line below."""

from bimedix2.evaluate.task import Task
from bimedix2.evaluate.tasks.canary import CANARY
from bimedix2.evaluate.tasks.image_qa import IMAGE_QA
from bimedix2.evaluate.tasks.perplexity import PERPLEXITY
from bimedix2.evaluate.tasks.pubmedqa import PUBMEDQA

TASKS: dict[str, Task] = {
    "image_qa": IMAGE_QA,
    "canary": CANARY,
    "pubmedqa": PUBMEDQA,
    "perplexity": PERPLEXITY,
}
"""Task name -> what is asked and how it is scored."""
