"""Self-attention over one feature vector: the head of AtLoc (Wang et al., AAAI 2020)."""

from torch import Tensor, nn
from torch.nn.functional import relu

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head

REDUCTION = 8  # of the numbers that attend to each other


class SelfAttentionHead(Head):
    """feature -> hidden layer -> each number attends to all others -> position in the unit box and rotation."""

    takes_hints = False

    def __init__(self, channels: int, grid: int, rotation: Rotation, hidden: int, dropout: float):
        super().__init__()
        self.rotation = rotation
        self.describe = nn.Sequential(nn.Flatten(), nn.Linear(channels * grid**2, hidden))
        self.query, self.key, self.value = (
            nn.Linear(hidden, hidden // REDUCTION) for _ in range(3)
        )
        self.joined = nn.Linear(hidden // REDUCTION, hidden)
        self.dropout = nn.Dropout(dropout)
        self.regress = nn.Linear(hidden, 3 + rotation.size)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G); the hint (B,) is ignored."""
        whole = relu(self.describe(feature))
        similar = self.query(whole).unsqueeze(2) * self.key(whole).unsqueeze(1)  # (B, n, n)
        attended = (similar.softmax(dim=-1) @ self.value(whole).unsqueeze(2)).squeeze(2)
        raw = self.regress(self.dropout(relu(whole + self.joined(attended))))
        return Pose(frame.to_metres(raw[:, :3]), self.rotation(raw[:, 3:]))
