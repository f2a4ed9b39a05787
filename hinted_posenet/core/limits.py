"""How much a file of a stranger may ask for; each limit is named in the error of whoever exceeds it."""

TEXT_BYTES = 1 << 29  # of a text file: 512 MiB, ten times the largest published label file
MODEL_BYTES = 1 << 40  # of a reconstruction that is read in parts: 1 TiB
LINE_BYTES = 1 << 23  # of one line of it: 200,000 points of an image
JSON_DEPTH = 100  # brackets within brackets
IMAGE_PIXELS = (
    178_000_000  # of one image, where Pillow stops too; aerial cameras take up to 150 million
)
IMAGE_BYTES = 6 * IMAGE_PIXELS + (
    1 << 20
)  # of the file of one image: three colours of 16 bits, as they are
SCENE_FRAMES = 10_000_000  # that one file may announce
COORDINATE_M = 1e8  # from the origin of a world; the Earth's radius is 6.4e6 m
TENSOR_FILE_BYTES = 1 << 35  # of a checkpoint or of cached features: 32 GiB
PICKLE_BYTES = 4_000_000  # of the names and values in it; a checkpoint of ResNet-50 has 0.1 MB
NAMES_BYTES = 1 << 30  # of the same in cached features, which have the name of each image
CONFIG_VALUES = 20_000  # of the config in a checkpoint; that of a training has some 300
NETWORK_PIXELS = 1 << 22  # of an image that enters a network: 2048 x 2048
REFINEMENT_STEPS = 1000  # of one answer
BUILT_ELEMENTS = 30_000_000  # numbers in the network of a checkpoint, besides 8 times what it holds
BUILT_TENSORS = 100_000  # tensors made while that is built; the largest of timm needs 20,000
WHOLE_NUMBER = 2**63 - 1  # the largest that tensors and files hold
SEED = 2**32 - 1  # the largest that numpy takes
