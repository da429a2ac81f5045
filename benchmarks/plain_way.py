"""The plain way, for benchmarks/score_speed.py to compare with: what users write on their own.

    python benchmarks/plain_way.py FOLDER OUT.npy --size 32 --members 4 --epochs 3 --workers 1

torchvision's ImageFolder with PIL transforms, a DataLoader, members one after the other, and after
every epoch a pass over all images without augmentation whose whole softmax is kept. The network is
noisefind's small CNN, in PyTorch's default memory layout. Writes EL2N per image and prints
the seconds of all epochs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from noisefind.training.networks import small_cnn


def main() -> None:
    """Train the ensemble and write the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    for name in ("size", "members", "epochs", "batch-size", "workers", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    probs, labels = train(options)
    print(time.perf_counter() - start)
    wrongness = np.linalg.norm(probs[:, -1] - np.eye(probs.shape[-1])[labels], axis=-1)
    np.save(options.output, wrongness.mean(0))


def train(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Softmax (members, epochs, N, C) and labels (N,)."""
    size = options.size
    to_input = [transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.25] * 3)]
    resize = transforms.Resize((size, size))
    crop = transforms.RandomCrop(size, padding=size // 8, padding_mode="reflect")
    augment = [crop, transforms.RandomHorizontalFlip()]
    train_set = ImageFolder(options.folder, transforms.Compose([resize, *augment, *to_input]))
    all_images = ImageFolder(options.folder, transforms.Compose([resize, *to_input]))
    workers = {"num_workers": options.workers, "persistent_workers": options.workers > 0}
    train_loader = DataLoader(train_set, options.batch_size, shuffle=True, **workers)
    all_loader = DataLoader(all_images, 512, **workers)
    n_classes = len(train_set.classes)
    probs = np.zeros((options.members, options.epochs, len(train_set), n_classes), np.float32)
    for member in range(options.members):
        torch.manual_seed(member)
        model = small_cnn(n_classes, size)
        optimizer = torch.optim.SGD(
            model.parameters(), 0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
        )
        n_steps = options.epochs * len(train_loader)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=n_steps)
        for epoch in range(options.epochs):
            model.train()
            for images, labels in train_loader:
                loss = F.cross_entropy(model(images), labels)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
            model.eval()
            with torch.inference_mode():
                said = [model(images).softmax(1).numpy() for images, _ in all_loader]
            probs[member, epoch] = np.concatenate(said)
    return probs, np.array(train_set.targets)


if __name__ == "__main__":
    main()
