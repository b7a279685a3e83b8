"""What pycocotools.COCOeval says of labelled detections: evaluate.py INPUT.json

Input:  {"images": N, "classes": N, "truths": [[image, class, x0, y0, x1, y1, crowd, area or null], ...],
         "detections": [[image, class, x0, y0, x1, y1, score], ...]}
Output: {"ap": _, "ap50": _, "ap_small": _, "ap_medium": _, "ap_large": _, "per_class": [[class, ap, ap50], ...]}, classes without any truth left out; -1 where none has.
"""
import contextlib
import io
import json
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

with open(sys.argv[1]) as file:
    given = json.load(file)
coco = COCO()
with contextlib.redirect_stdout(io.StringIO()):
    coco.dataset = {
        "info": {},
        "images": [{"id": image + 1} for image in range(given["images"])],
        "categories": [{"id": kind + 1} for kind in range(given["classes"])],
        "annotations": [
            {"id": number + 1, "image_id": image + 1, "category_id": kind + 1, "bbox": [x0, y0, x1 - x0, y1 - y0],
             "area": (x1 - x0) * (y1 - y0) if area is None else area, "iscrowd": crowd}
            for number, (image, kind, x0, y0, x1, y1, crowd, area) in enumerate(given["truths"])
        ],
    }
    coco.createIndex()
    found = coco.loadRes([
        {"image_id": image + 1, "category_id": kind + 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": score}
        for image, kind, x0, y0, x1, y1, score in given["detections"]
    ])
    result = COCOeval(coco, found, "bbox")
    result.evaluate()
    result.accumulate()
    result.summarize()
precision = result.eval["precision"][:, :, :, 0, -1]
per_class = []
for kind in range(given["classes"]):
    of_class = precision[:, :, kind]
    if (of_class > -1).any():
        per_class.append([kind, float(of_class.mean()), float(of_class[0].mean())])
names = {"ap": 0, "ap50": 1, "ap_small": 3, "ap_medium": 4, "ap_large": 5}
print(json.dumps({name: float(result.stats[place]) for name, place in names.items()} | {"per_class": per_class}))
