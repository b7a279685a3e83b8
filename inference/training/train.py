"""Trains one model of the family on rendered scenes.

    python train.py --model turbo-edd0 --data DATA/train --out RUNS --minutes 20
    python train.py --model turbo-edd1 --data DATA/train --out RUNS --minutes 15 --start RUNS/turbo-edd0.pt --rate 1e-3

The learning rate follows the share of the time (or of the steps) that is used up. A checkpoint is written every
two minutes, so an interrupted run still leaves a usable model. Two processes of one thread average their gradients
once a step; on a busy machine that beats one process of two threads, which wait for each other in every layer.
"""
import argparse
import copy
import math
import pathlib
import time

import torch
import torch.distributed as together
import torch.multiprocessing

import model as family
from data import Endless, Scenes, normalise
from loss import Criterion


def save(path, net, ema, step, args):
    scratch = path.with_suffix(".tmp")
    state = {"model": net.state_dict(), "ema": ema.state_dict(), "step": step, "seed": args.seed, "images": step * args.batch * args.processes}
    torch.save(state, scratch)
    scratch.replace(path)


@torch.no_grad()
def follow(ema, net, step):
    decay = min(0.998, (1 + step) / (20 + step))
    for mine, theirs in zip(ema.state_dict().values(), net.state_dict().values()):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)


def average(net, world):
    """The mean of the processes' gradients, in one exchange."""
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    together.all_reduce(flat)
    for gradient, mean in zip(gradients, (flat / world).split([g.numel() for g in gradients])):
        gradient.copy_(mean.view_as(gradient))


def agreed(share):
    """Rank 0's clock is everybody's."""
    share = torch.tensor([share])
    together.broadcast(share, 0)
    return share.item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, choices=family.FAMILY)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--start", help="checkpoint of a smaller model")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--steps", type=int, help="stop after so many steps instead: repeatable")
    parser.add_argument("--batch", type=int, default=8, help="images a step in each process")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=150, help="steps until the full rate")
    parser.add_argument("--port", type=int, default=29511)
    args = parser.parse_args()
    torch.multiprocessing.spawn(train, (args,), args.processes)


def train(rank, args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    together.init_process_group("gloo", f"tcp://127.0.0.1:{args.port}", rank=rank, world_size=args.processes)
    net = family.EfficientDet(args.model)
    if args.start:
        state = torch.load(args.start, map_location="cpu", weights_only=True)["ema"]
        print("warm start: %d of %d tensors" % family.warm_start(net, state), flush=True)
    net = net.to(memory_format=torch.channels_last).train()
    ema = copy.deepcopy(net).eval()
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.99))
    scenes = Scenes(args.data, net.height, net.width, augment=True, seed=args.seed)
    order = Endless(len(scenes), args.seed, rank, args.processes)
    # Forked: a spawned worker would be sent a copy of all the pictures.
    loader = torch.utils.data.DataLoader(
        scenes, args.batch, sampler=order, num_workers=1, prefetch_factor=4, multiprocessing_context="fork"
    )
    criterion = Criterion(net.height, net.width, len(family.CLASSES))
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    begun = saved = time.monotonic()
    sums = torch.zeros(2)
    for step, (pixels, truth, labels) in enumerate(loader, 1):
        used = time.monotonic() - begun
        share = step / args.steps if args.steps else used / (args.minutes * 60)
        share = agreed(share)
        if share >= 1:
            break
        rate = args.rate * min(1, step / args.warm_up) * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        for group in optimiser.param_groups:
            group["lr"] = rate
        images = normalise(pixels).contiguous(memory_format=torch.channels_last)
        most = max(int((labels >= 0).sum(1).max()), 1)
        truth, labels = truth[:, :most], labels[:, :most]
        class_loss, box_loss = criterion(*net(images), truth, labels, labels >= 0)
        optimiser.zero_grad(set_to_none=True)
        (class_loss + 2 * box_loss).backward()
        average(net, args.processes)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimiser.step()
        follow(ema, net, step)
        sums += torch.tensor([class_loss.item(), box_loss.item()])
        if step % 25 == 0 and rank == 0:
            c, b = (sums / 25).tolist()
            print(f"{used:6.0f} s  step {step}  class {c:.4f}  box {b:.4f}  rate {rate:.1e}  {step * args.batch * args.processes / used:.1f} images/s", flush=True)
            sums.zero_()
        if rank == 0 and time.monotonic() - saved > 120:
            save(out / f"{args.model}.pt", net, ema, step, args)
            saved = time.monotonic()
    if rank == 0:
        save(out / f"{args.model}.pt", net, ema, step, args)
        print(f"done: {step} steps, {time.monotonic() - begun:.0f} s", flush=True)
    together.destroy_process_group()


if __name__ == "__main__":
    main()
