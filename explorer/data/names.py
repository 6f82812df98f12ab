"""Meaning of the names of folders and files: splits, and files that systems and programs create for themselves."""

import re
from unicodedata import normalize

TRAIN, VAL, TEST = "train", "val", "test"
ONE_PIECE = ""  # key of the images of a set without splits
SPLITS = (TRAIN, VAL, TEST)

_WORDS = {
    TRAIN: "train training trainval trn 训练 訓練 学習",
    VAL: "val valid validation validate validating dev devel 验证 驗證 検証",
    TEST: "test testing tst eval evaluation evaluate holdout 测试 測試 テスト",
}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words.split()}
# Words that people append without a gap: trainset, testdata, 训练集.
_STEMS = "|".join(sorted(_SPLIT_OF, key=len, reverse=True))
_WORD = re.compile(rf"({_STEMS})(?:sets?|data|datasets?|images?|imgs?|pics?|データ|[集数據据图圖像片])*")

# Folders and files that macOS, Windows, Linux, network storages, notebooks and image viewers create for themselves.
_SYSTEM = re.compile(
    r"""\..* | __macosx | @eadir | \#recycle | \#snapshot | \$recycle\.bin | recycler | recycled | lost\+found
    | system\ volume\ information | __pycache__ | _vti_cnf | _notes | @__.* | ehthumbs.* | thumbs?\.db.* | desktop\.ini
    | icon\r | zbthumbnail\.info | picasa\.ini
    | (?:thumbnails?|thumbs|[@_~]+thumbs?|thumb[_~]+)[_~]*""",
    re.VERBOSE | re.IGNORECASE,
)


def to_nfc(name: str) -> str:
    """A name in Unicode's composed form (NFC), in which equal-looking names are equal."""
    return normalize("NFC", name)


def folded(name: str) -> str:
    """A name without case and dashes; names that people regard as the same become equal."""
    return re.sub(r"[\s_-]+", " ", normalize("NFKC", name).casefold()).strip()


def is_system_name(name: str) -> bool:
    """Whether systems or programs use this name for their own files or folders."""
    return bool(_SYSTEM.fullmatch(name))


def split_of(name: str) -> str | None:
    """The split that the name of a folder contains, among any other words; None if it contains none or several.

    ``seg_train``, ``Training_Set``, ``trainSet``, ``TEST-1`` and ``fruits_validation`` contain one.
    """
    found = {_SPLIT_OF[match[1]] for word in words(name) if (match := _WORD.fullmatch(word))}
    if found == {TRAIN, VAL}:  # all images that are not for the test
        return TRAIN
    return found.pop() if len(found) == 1 else None


def words(name: str) -> list[str]:
    """The words of a name in lower case: ``trainSet_2`` has three."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", normalize("NFKC", name))
    return re.findall(r"[^\W\d_]+|\d+", apart.casefold())
