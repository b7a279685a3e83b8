"""Exports a checkpoint (or, without one, random weights) to ONNX with the normalisation folded in.

    python export.py --model turbo-edd0 --checkpoint DIR/turbo-edd0.pt --out ../models/turbo-edd0.onnx
"""
import argparse
import copy
import pathlib

import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import boxes
import model as family


class FoldedHead(nn.Module):
    """The head with one pointwise convolution per level, which has swallowed that level's normalisation."""

    def __init__(self, head):
        super().__init__()
        self.spatial = nn.ModuleList(conv.spatial for conv in head.convs)
        self.mix = nn.ModuleList(
            nn.ModuleList(fuse_conv_bn_eval(copy.deepcopy(conv.mix), bn) for bn in norms)
            for conv, norms in zip(head.convs, head.norms)
        )
        self.last, self.out = head.spatial, head.out

    def forward(self, maps):
        outputs = []
        for level, x in enumerate(maps):
            for spatial, mix in zip(self.spatial, self.mix):
                x = torch.relu(mix[level](spatial(x)))
            outputs.append(self.out(self.last(x)))
        return outputs


class FoldedFusion(nn.Module):
    """A fusion node with its weights as constants and its normalisation folded."""

    def __init__(self, fusion):
        super().__init__()
        w = torch.relu(fusion.weight.detach())
        self.weights = (w / (w.sum() + 1e-4)).tolist()
        self.spatial, self.mix = fusion.conv.spatial, fuse_conv_bn_eval(fusion.conv.mix, fusion.bn)

    def forward(self, *maps):
        total = sum(part * w for part, w in zip(maps, self.weights))
        return self.mix(self.spatial(torch.relu(total)))


def fold(net):
    """An equal network without BatchNorm."""
    net = copy.deepcopy(net).eval()
    for module in net.modules():
        if isinstance(module, nn.Sequential):
            layers = list(module)
            for k in range(len(layers) - 1):
                if isinstance(layers[k], nn.Conv2d) and isinstance(layers[k + 1], nn.BatchNorm2d):
                    module[k] = fuse_conv_bn_eval(layers[k], layers[k + 1])
                    module[k + 1] = nn.Identity()
    for cell in net.cells:
        for nodes in (cell.down, cell.up):
            for k, fusion in enumerate(nodes):
                nodes[k] = FoldedFusion(fusion)
    net.classes, net.boxes = FoldedHead(net.classes), FoldedHead(net.boxes)
    return net


class Flat(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        class_maps, box_maps = self.net(images)
        return (*class_maps, *box_maps)


def export(net, path, info):
    net = net.eval()
    sample = torch.randn(1, 3, net.height, net.width, generator=torch.Generator().manual_seed(0))
    folded = Flat(fold(net))
    with torch.no_grad():
        before, after = Flat(net)(sample), folded(sample)
    worst = max((a - b).abs().max().item() for a, b in zip(before, after))
    assert worst < 2e-2, f"folding changed an output by {worst}"
    names = [f"cls_P{level}" for level in boxes.LEVELS] + [f"box_P{level}" for level in boxes.LEVELS]
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(folded, (sample,), path, input_names=["images"], output_names=names, opset_version=17, dynamo=False)
    proto = onnx.load(path)
    metadata = {
        "turbo.family": "efficientdet",
        "turbo.name": net.name,
        "turbo.classes": ",".join(family.CLASSES),
        "turbo.mean": ",".join(map(str, family.MEAN)),
        "turbo.std": ",".join(map(str, family.STD)),
        "turbo.input": f"{net.width}x{net.height}",
        "turbo.letterbox": "top-left",
        "turbo.levels": "3-7",
        "turbo.anchor_scale": str(boxes.ANCHOR_SCALE),
        "turbo.octaves": str(boxes.OCTAVES),
        "turbo.aspects": "1.0x1.0,1.4x0.7,0.7x1.4",
        **info,
    }
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto)
    onnx.save(proto, path)
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, choices=family.FAMILY)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    net = family.EfficientDet(args.model)
    info = {"turbo.train_seed": "none", "turbo.train_steps": "0"}
    if args.checkpoint:
        saved = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
        net.load_state_dict(saved["ema"])
        info = {"turbo.train_seed": str(saved["seed"]), "turbo.train_steps": str(saved["step"])}
    worst = export(net, args.out, info)
    size = pathlib.Path(args.out).stat().st_size
    parameters = sum(p.numel() for p in net.parameters())
    print(f"{args.out}: {size / 1e6:.2f} MB, {parameters} parameters, folding error {worst:.1e}")


if __name__ == "__main__":
    main()
