"""AP of exported models on held-back scenes, with the program that counts (pycocotools).

    python evaluate.py --data DATA/test ../models/turbo-edd0.onnx ../models/turbo-edd1.onnx
"""
import argparse
import contextlib
import io
import json
import pathlib
import time

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import boxes
from data import MEAN, STD, letterbox


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def coded(image, quality):
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=quality)
    return Image.open(packed).convert("RGB")


def detect(run, frame, height, width, priors, codec):
    """Detections of one frame in its own pixels: boxes, scores, classes; and the network's milliseconds."""
    stage, quality = codec
    image = Image.fromarray(frame)
    if stage == "image":
        image = coded(image, quality)
    scale = min(width / image.width, height / image.height)
    image, _ = letterbox(image, np.zeros((0, 5), np.float32), height, width)
    if stage == "input":
        image = coded(image, quality)
    x = (np.asarray(image, np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    begun = time.perf_counter()
    outputs = [torch.from_numpy(o[0]) for o in run.run(None, {"images": x.transpose(2, 0, 1)[None]})]
    spent = (time.perf_counter() - begun) * 1e3
    half = len(outputs) // 2
    classes = outputs[0].shape[0] // boxes.PER_PLACE
    logits = torch.cat([o.permute(1, 2, 0).reshape(-1, classes) for o in outputs[:half]])
    codes = torch.cat([o.permute(1, 2, 0).reshape(-1, 4) for o in outputs[half:]])
    scores, kinds = logits.sigmoid().max(1)
    best = scores.topk(1000).indices
    best = best[scores[best] > 0.01]
    found = boxes.decode(codes[best], priors[best]) / scale
    found[:, 0::2] = found[:, 0::2].clamp(0, frame.shape[1])
    found[:, 1::2] = found[:, 1::2].clamp(0, frame.shape[0])
    kept = boxes.suppress(found, scores[best], kinds[best])
    return found[kept], scores[best][kept], kinds[best][kept], spent


def score(labels, results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = labels
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = judge.eval["precision"][:, :, :, 0, 2]
    per_class = [float(p[p > -1].mean()) for p in np.moveaxis(precision, 2, 0)]
    s = judge.stats
    return {"ap": s[0], "ap50": s[1], "ap_small": s[3], "ap_medium": s[4], "ap_large": s[5], "classes": per_class}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--limit", type=int, default=10**9)
    parser.add_argument("--codec", default="none", help="none, image:75 (camera frame) or input:75 (network input)")
    parser.add_argument("--json", help="also write the results here")
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(1)
    stage, _, quality = args.codec.partition(":")
    folder = pathlib.Path(args.data)
    labels = json.loads((folder / "labels.json").read_text())
    first = labels["images"][0]
    frames = np.memmap(folder / "frames.rgb", np.uint8, "r").reshape(-1, first["height"], first["width"], 3)
    chosen = labels["images"][:: max(1, len(labels["images"]) // args.limit)]
    ids = {i["id"] for i in chosen}
    labels = {**labels, "images": chosen, "annotations": [a for a in labels["annotations"] if a["image_id"] in ids]}
    table = {}
    for path in args.models:
        run = session(path)
        _, _, height, width = run.get_inputs()[0].shape
        priors = torch.cat(boxes.anchors(height, width))
        results, times = [], []
        for image in chosen:
            found, scores, kinds, spent = detect(run, frames[image["id"]], height, width, priors, (stage, int(quality or 0)))
            times.append(spent)
            for (x0, y0, x1, y1), s, k in zip(found.tolist(), scores.tolist(), kinds.tolist()):
                results.append({"image_id": image["id"], "category_id": k + 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": s})
        row = score(labels, results)
        row |= {"images": len(chosen), "ms": float(np.median(times)), "codec": args.codec}
        row["metadata"] = {p.key: p.value for p in onnx.load(path).metadata_props}
        table[pathlib.Path(path).stem] = row
        names = " ".join(f"{c['name']} {v:.3f}" for c, v in zip(labels["categories"], row["classes"]))
        sizes = f"small {row['ap_small']:.3f} medium {row['ap_medium']:.3f} large {row['ap_large']:.3f}"
        print(f"{pathlib.Path(path).stem} [{args.codec}]: AP {row['ap']:.3f} AP50 {row['ap50']:.3f} | {sizes} | {names} | {row['ms']:.1f} ms, {len(chosen)} images", flush=True)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
