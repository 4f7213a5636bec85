"""Models are built by several threads at once: the answers', the arrows' and Improve's. Each gets its own weights."""

import threading
from pathlib import Path

import torch
from tiny import make_family
from torch import nn

from merger.chat.load import chat_model
from merger.files.checkpoints import open_checkpoint


def test_two_threads_build_at_once(tmp_path: Path) -> None:
    folders = make_family(tmp_path, models=("base", "a"))
    models = [open_checkpoint(name, folder) for name, folder in folders.items()]
    register, failed = nn.Module.register_parameter, list[str]()

    def build(index: int) -> None:
        model = models[index % 2]
        tensors = {name: model.read(name) for name in model.tensors}
        try:
            for _ in range(12):
                voice = chat_model(model.folder, model.config, tensors)
                weights = dict(voice.module.named_parameters())
                assert not any(weight.is_meta for weight in weights.values())
                assert torch.equal(weights["model.norm.weight"], tensors["model.norm.weight"])
        except Exception as error:
            failed.append(str(error))

    threads = [threading.Thread(target=build, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    assert nn.Module.register_parameter is register
