import torch
from torch.utils.data import DataLoader

from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query, Sample
from hinted_posenet.data.posed_images import StackedSamples, batches, stack, take
from hinted_posenet.training.data_module import PosedImagesModule


def sample(count: int) -> Sample:
    index = torch.arange(count).float()
    prior = Hint.isotropic(
        Pose(index[:, None].expand(-1, 3), torch.ones(count, 4)),
        index,
        index,
        NO_NEIGHBOURS.expand(count, 0),
    )
    query = Query(
        torch.empty(count, 0),
        index[:, None, None, None].expand(-1, 2, 3, 3),
        index[:, None, None].expand(-1, 3, 3),
        prior,
        [f"{i}" for i in range(count)],
        index.long(),
    )
    return Sample(query, Pose(index[:, None].expand(-1, 3), torch.ones(count, 4)))


def numbers(value: Sample) -> list[list[float]]:
    query, truth = value
    columns = (query.feature[:, 0, 0, 0], query.K[:, 0, 0], query.prior.sigma_t_m, truth.t[:, 0])
    return [column.tolist() for column in columns] + [[float(name) for name in query.name]]


def test_rows_stay_together() -> None:
    assert numbers(take(sample(9), torch.tensor([7, 2]))) == [[7.0, 2.0]] * 5
    assert numbers(take(sample(9), slice(3, 5))) == [[3.0, 4.0]] * 5


def test_batches_and_stack_are_inverse() -> None:
    parts = list(batches(sample(7), 3))
    assert [len(part.query.name) for part in parts] == [3, 3, 1]
    assert numbers(stack(parts)) == numbers(sample(7))


def test_loader_gives_every_row_once_in_an_order_of_its_epoch() -> None:
    def orders(seed: int) -> list[list[str]]:
        module = PosedImagesModule(
            StackedSamples(sample(20)), StackedSamples(sample(4)), 8, 0, seed
        )
        return [[name for batch in module.train_dataloader() for name in batch.query.name]]

    assert sorted(orders(0)[0], key=int) == [str(i) for i in range(20)]
    assert orders(0) == orders(0)
    assert orders(0) != orders(1)


def test_validation_is_in_order() -> None:
    module = PosedImagesModule(StackedSamples(sample(4)), StackedSamples(sample(5)), 2, 0, 0)
    (loader,) = module.val_dataloader()
    assert isinstance(loader, DataLoader)
    assert [name for batch in loader for name in batch.query.name] == ["0", "1", "2", "3", "4"]
