"""Which anchors answer for which object, and what a wrong answer costs.

Assignment is adaptive (ATSS): for each object the nearest places of every level are candidates, and those whose
overlap beats the candidates' mean plus deviation are positive. Objects far smaller than the smallest anchor thereby
still get several anchors, which a fixed threshold of 0.5 would deny them.
"""
import torch
import torch.nn.functional as F

import boxes

PLACES = 4


class Criterion:
    def __init__(self, height, width, classes):
        levels = boxes.anchors(height, width)
        self.priors = torch.cat(levels)
        self.prior_corners = boxes.corners(self.priors)
        self.classes = classes
        self.levels, start = [], 0
        for level, priors in zip(boxes.LEVELS, levels):
            places = priors[:: boxes.PER_PLACE, :2]
            self.levels.append((2**level, start, places))
            start += len(priors)

    def assign(self, truth, mask):
        """truth (B, G, 4), mask (B, G) to the object of each anchor (B, N), -1 for background."""
        batch, count = mask.shape
        centre = torch.stack([truth[..., 1] + truth[..., 3], truth[..., 0] + truth[..., 2]], -1) / 2
        half = torch.stack([truth[..., 3] - truth[..., 1], truth[..., 2] - truth[..., 0]], -1) / 2
        candidates, inside = [], []
        for stride, start, places in self.levels:
            k = min(PLACES, len(places))
            nearest = torch.cdist(centre, places.expand(batch, -1, 2)).topk(k, largest=False).indices
            delta = (places[nearest] - centre[:, :, None]).abs()
            near = (delta <= half[:, :, None].clamp(min=stride * 0.75)).all(-1)
            anchor = start + nearest[..., None] * boxes.PER_PLACE + torch.arange(boxes.PER_PLACE)
            candidates.append(anchor.flatten(2))
            inside.append(near[..., None].expand(-1, -1, -1, boxes.PER_PLACE).flatten(2))
        candidates, inside = torch.cat(candidates, 2), torch.cat(inside, 2)
        iou, _ = boxes.overlap(self.prior_corners[candidates], truth[:, :, None])
        bar = iou.mean(-1, keepdim=True) + iou.std(-1, keepdim=True)
        positive = (iou >= bar) & inside & mask[..., None]
        value = torch.where(positive, iou + 1e-6, torch.zeros(()))
        # The object with the greatest overlap wins a contested anchor.
        best = torch.zeros(batch, len(self.priors))
        owner = torch.full((batch, len(self.priors)), -1)
        flat = candidates.flatten(1)
        best.scatter_reduce_(1, flat, value.flatten(1), "amax")
        wins = (value > 0) & (value == best.gather(1, flat).view_as(value))
        image, thing, slot = wins.nonzero(as_tuple=True)
        owner[image, candidates[image, thing, slot]] = thing
        return owner

    def __call__(self, class_maps, box_maps, truth, labels, mask):
        from model import flatten

        logits, codes = flatten(class_maps, box_maps)
        owner = self.assign(truth, mask)
        image, anchor = (owner >= 0).nonzero(as_tuple=True)
        thing = owner[image, anchor]
        decoded = boxes.decode(codes[image, anchor], self.priors[anchor])
        iou, giou = boxes.overlap(decoded, truth[image, thing])
        # Quality focal loss: a positive's target is the overlap its box has reached.
        target = torch.zeros_like(logits)
        target[image, anchor, labels[image, thing]] = iou.detach().clamp(min=0.05)
        weight = (logits.sigmoid() - target).abs().detach().square()
        class_loss = (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum()
        quality = iou.detach().clamp(min=0.2)
        box_loss = ((1 - giou) * quality).sum()
        normaliser = max(len(image), 1)
        return class_loss / normaliser, box_loss / quality.sum().clamp(min=1.0)
