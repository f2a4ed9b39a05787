"""ROS 1 and ROS 2 bags, read message by message by `rosbags`, without ROS: topics, and messages in their order."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from hinted_posenet.core.errors import InputError, near

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader

CARD = "docs/robot.md"
BAG_SUFFIXES = {".bag", ".mcap", ".db3"}
METADATA = "metadata.yaml"  # in the folder of a bag of ROS 2
SHOWN = 12  # topics in an error
REPAIR = "if it is cut off, `rosbag reindex`, `ros2 bag reindex` or `mcap recover` repairs it"


class Message(NamedTuple):
    """One message of a bag."""

    where: str  # bag, topic and number
    topic: str
    recorded_s: float  # when the recorder got it
    value: Any  # as rosbags deserializes it, of the type of its topic


class Bag:
    """An open bag, see `open_bag`; it stays on the disk, however large it is."""

    def __init__(self, path: Path, reader: "AnyReader"):
        self.path = path
        self._reader = reader
        self.types = {topic: info.msgtype or "" for topic, info in reader.topics.items()}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file or folder of a bag.

        Raises:
            InputError: It is missing, or no bag that can be read.
        """
        if not path.exists():
            raise InputError(f"{path}: no such bag; check the path")
        if path.is_dir() and not (path / METADATA).is_file():
            raise InputError(
                f"{path}: has no {METADATA}, so it is no ROS 2 bag; give the folder that has one, or a file "
                ".bag, .mcap or .db3"
            )
        from rosbags.highlevel import AnyReader
        from rosbags.typesys import Stores, get_typestore

        with damage(path):
            # bags of ROS 2 before Iron do not say what their messages consist of
            reader = AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
            reader.open()
            return cls(path, reader)

    def close(self) -> None:
        """Close the bag."""
        self._reader.close()

    def choose(self, types: Collection[str], what: str, topic: str | None, key: str) -> str:
        """Return the topic of one of some message types: the one that is asked for, or the only one.

        Args:
            types: Names as ``nav_msgs/msg/Odometry``.
            what: What the messages are, for errors.
            topic: The one that is asked for; None for the only one.
            key: The name of the argument that asks for it, for errors.

        Raises:
            InputError: There is no such topic, or several and none is asked for.
        """
        fitting = sorted(name for name, kind in self.types.items() if kind in types)
        names = [kind.replace("/msg/", "/") for kind in types]
        if topic is None and len(fitting) == 1:
            return fitting[0]
        if topic is None and fitting:
            raise InputError(
                f"{self.path}: {len(fitting)} topics have {what}: {_listed(fitting)}; choose one by {key}"
            )
        if topic is None:
            raise InputError(
                f"{self.path}: no topic has {what} ({', '.join(names)}); it has {self._all()}"
            )
        if topic not in self.types:
            raise InputError(
                f"{self.path}: no topic {topic}{near(topic, self.types)}; it has {self._all()}"
            )
        if topic not in fitting:
            raise InputError(
                f"{self.path}: {topic} is {self.types[topic]}, expected {what} ({', '.join(names)}); choose "
                f"another by {key}"
            )
        return topic

    def count(self, topic: str) -> int:
        """Return how many messages a topic has."""
        return int(self._reader.topics[topic].msgcount)

    def messages(self, *topics: str) -> Iterator[Message]:
        """Yield the messages of some topics in the order of the recording, one by one.

        Raises:
            InputError: The bag is damaged where a message should be.
        """
        chosen = [c for c in self._reader.connections if c.topic in topics]
        counts = dict.fromkeys(topics, 0)
        if not chosen:  # rosbags would take it for all topics
            return
        stream = self._reader.messages(connections=chosen)
        while True:
            place = f"{self.path} {' '.join(topics)} after {sum(counts.values())} messages"
            with damage(place):
                found = next(stream, None)
            if found is None:
                return
            connection, recorded_ns, content = found
            counts[connection.topic] += 1
            where = f"{self.path} {connection.topic} message {counts[connection.topic]}"
            with damage(where):
                value = self._reader.deserialize(content, connection.msgtype)
            yield Message(where, connection.topic, recorded_ns / 1e9, value)

    def _all(self) -> str:
        return _listed([f"{name} ({kind})" for name, kind in sorted(self.types.items())])


@contextmanager
def open_bag(path: Path) -> Iterator[Bag]:
    """Open a ROS 1 file ``.bag``, the folder of a ROS 2 bag, or one file ``.mcap`` or ``.db3`` of it.

    Raises:
        InputError: It is missing, or no bag that can be read.
    """
    bag = Bag.open(path)
    try:
        yield bag
    finally:
        bag.close()


def stamp_s(message: Message) -> float:
    """Return when a message with a header was taken, in seconds; a driver that does not say leaves it at 0.

    Then it is the time of recording.
    """
    stamp = message.value.header.stamp
    taken_s = stamp.sec + stamp.nanosec / 1e9
    return taken_s or message.recorded_s


@contextmanager
def damage(where: Path | str) -> Iterator[None]:
    """Turn what readers of bags raise about a damaged one, which is of any type, into a line."""
    try:
        yield
    except (InputError, ImportError, PermissionError):
        raise
    except Exception as error:
        said = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise InputError(f"{where}: cannot be read as a ROS bag ({said}); {REPAIR}") from None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) + more) or "none"
