"""Names in zip archives. Names without the flag for UTF-8 are in the encoding of the Windows that packed them.

No archive says which encoding that is, and nearly every encoding can decode nearly every name. So each decoding gets a
score for its usual characters, and all names of the archive are decoded with the best encoding.
"""

import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import category, name

MAX_SCORED = 1000  # names of folders and files in a score; more would not change it

_MARKED_UTF8 = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field, which repeats the name in UTF-8

# Characters that are frequent in everyday words and names of things.
_SIMPLIFIED = (
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好"
    "都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进"
    "把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口"
    "使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市数别指场张马白非花车果鱼鸟猫狗牛羊猪鸡鸭虎狮象熊鼠兔"
    "蛇龙草树叶木苹香蕉橙瓜葡萄桃梨莓米菜豆茶饭肉蛋奶飞船汽自行卡火红黄蓝绿黑灰紫图片像物类数据集训练测试验证病虫健康玫瑰"
    "菊向日葵蒲公英郁金常缺陷损坏裂纹合格猴鹿蜂蝴蝶蚁螃蟹鲨鲸椅桌床灯杯碗刀书笔钟衣裤鞋帽包"
)
_TRADITIONAL = (
    "的一是不了在人有我他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可裡後小麼心多天而能好"
    "都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些與高意進"
    "把法此實回二理美點月明其種聲全工己話兒者向情部正名定女問力機給等幾很業最間新什打便位因重被走電四第門相次東政海口"
    "使教西再平真聽世氣信北少關並內加化由卻代軍產入先山五太水萬市數別指場張馬白非花車果魚鳥貓狗牛羊豬雞鴨虎獅象熊鼠兔"
    "蛇龍草樹葉木蘋香蕉橙瓜葡萄桃梨莓米菜豆茶飯肉蛋奶飛船汽紅黃藍綠黑灰紫圖片像物類據集訓練測試驗證病蟲健康玫瑰菊向葵蒲英"
    "鬱金常缺陷損壞裂紋合格猴鹿蜂蝴蝶蟻螃蟹鯊鯨椅桌床燈杯碗刀書筆鐘衣褲鞋帽包"
)
_JAPANESE = (
    "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入"
    "選立開手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気"
    "小七成期公野協取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活"
    "犬猫鳥魚馬牛豚鶏虎熊象兎亀蛇花木草葉果車船飛箱赤青黄緑白黒画像物類訓練検証試験学習桜菊梅竹松空海川石火水土良品欠陥傷"
)
_KOREAN = (
    "이가다는에의을고하지도은로를나사기한아니리자서어시대정인그라수해일보게전제주부상과있면만구여들성으신연원동안장우스조비"
    "중오국세선공거모경무오유영들미방위식내반물산실문소교현회관화진용생당재분학개양강새말돼닭오토끼곰호랑사자코끼리뱀물고기"
    "바나나과딸포도수박감귤꽃나무잎자동차비행배트럭버스기차빨간파란노란초록검은흰색사진그림데이터훈련학습검증평가테스트고양이"
    "강아집발손눈얼굴말소염원숭벌레병건정상불량결함"
)
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф"  # by their frequency in Russian text
_WRITTEN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "CYRILLIC", "LATIN", "GREEK", "ARABIC", "HEBREW", "THAI"}
_WRITTEN |= {"DEVANAGARI", "BENGALI", "TAMIL", "FULLWIDTH", "IDEOGRAPHIC", "COMBINING"}
_RARE = set("\\^`{|}~@[]")
_LATIN = set("éèêëàâäáãåæçñöøóòôõüúùûßíìîïœ")


@dataclass(frozen=True)
class _Encoding:
    """An encoding of names.

    Attributes:
        codec: Python's name of the encoding.
        title: Name on pages.
        scripts: Scripts that it is used for.
        usual: Usual characters of these scripts.
        basic: Smaller encoding that it contains, whose first part has the usual characters; empty if there is none.
    """

    codec: str
    title: str
    scripts: tuple[str, ...]
    usual: frozenset[str]
    basic: str = ""


_ENCODINGS = (
    _Encoding("gb18030", "GBK (Chinese)", ("CJK",), frozenset(_SIMPLIFIED), "gb2312"),
    _Encoding("cp932", "Shift-JIS (Japanese)", ("HIRAGANA", "KATAKANA", "CJK"), frozenset(_JAPANESE), "shift_jis"),
    _Encoding("cp950", "Big5 (Chinese)", ("CJK",), frozenset(_TRADITIONAL), "big5"),
    _Encoding("cp949", "EUC-KR (Korean)", ("HANGUL",), frozenset(_KOREAN), "euc_kr"),
    _Encoding("cp1251", "Windows-1251 (Cyrillic)", ("CYRILLIC",), frozenset(_CYRILLIC)),
    _Encoding("cp866", "code page 866 (Cyrillic)", ("CYRILLIC",), frozenset(_CYRILLIC)),
    _Encoding("cp1252", "Windows-1252 (Western)", ("LATIN",), frozenset(_LATIN)),
    _Encoding("cp850", "code page 850 (Western)", ("LATIN",), frozenset(_LATIN)),
    _Encoding("cp437", "code page 437 (Western)", ("LATIN",), frozenset(_LATIN)),
)
# First and last leading byte of the part of an encoding that has the frequent characters.
_FREQUENT = {"gb2312": (0xB0, 0xD7), "shift_jis": (0x88, 0x97), "big5": (0xA4, 0xC6), "euc_kr": (0xB0, 0xC8)}


def decoded_names(entries: Sequence[zipfile.ZipInfo]) -> tuple[list[str], str | None]:
    """The names of an archive's entries with forward slashes, and the encoding that was chosen for them.

    Returns:
        The names in the order of the entries, and the title of the encoding; None if no choice was needed.
    """
    raw = [_bytes(entry) for entry in entries]
    unknown = {name for name in raw if isinstance(name, bytes)}
    encoding = _likeliest(sorted(unknown)) if unknown else None
    codec = encoding.codec if encoding else "utf-8"
    decoded = [name.decode(codec) if isinstance(name, bytes) else name for name in raw]
    return [name.replace("\\", "/") for name in decoded], encoding.title if encoding else None


def _bytes(entry: zipfile.ZipInfo) -> str | bytes:
    """An entry's name, or its bytes if their encoding is unknown."""
    if entry.flag_bits & _MARKED_UTF8 or entry.orig_filename.isascii():
        return entry.filename
    raw = entry.orig_filename.encode("cp437").split(b"\0")[0]  # zipfile has decoded them as code page 437
    return _unicode_path(entry.extra) or raw


def _unicode_path(extra: bytes) -> str | None:
    """The name in Info-ZIP's extra field; None if there is no such field."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_PATH:
            try:
                return extra[9 : 4 + length].decode()
            except UnicodeDecodeError:
                return None
        extra = extra[4 + length :]
    return None


def _likeliest(raw: Sequence[bytes]) -> _Encoding | None:
    """The encoding with the best score for all names; None for UTF-8."""
    text = _read(raw, "utf-8")
    if text is not None and any(map(_is_of_a_language, _parts(text))):
        return None
    scored = [(_score(text, encoding), encoding) for encoding in _ENCODINGS if (text := _read(raw, encoding.codec))]
    return max(scored, key=lambda one: one[0])[1]  # the first of equal scores; code page 437 decodes everything


def _is_of_a_language(part: str) -> bool:
    """Whether a name decoded as UTF-8 is in a script; two bytes of another encoding may decode to a single letter."""
    scripts = {name(character, "").partition(" ")[0] for character in part if not character.isascii()}
    return bool(scripts) and scripts <= _WRITTEN and (scripts != {"LATIN"} or any(map(_is_ascii_letter, part)))


def _read(raw: Iterable[bytes], codec: str) -> list[str] | None:
    try:
        return [name.decode(codec) for name in raw]
    except UnicodeDecodeError:
        return None


def _parts(texts: Iterable[str]) -> set[str]:
    """The distinct names of folders and files that are not ASCII."""
    return {part for text in texts for part in text.replace("\\", "/").split("/") if not part.isascii()}


def _score(texts: Iterable[str], encoding: _Encoding) -> float:
    """The mean score of the characters that are not ASCII: about 2 if all are usual, below 0 if few are."""
    total, count = 0.0, 0
    for part in sorted(_parts(texts))[:MAX_SCORED]:
        latin = sum(map(_is_ascii_letter, part.rpartition(".")[0] or part))
        for before, character, after in zip(" " + part, part, part[1:] + " ", strict=False):
            if character.isascii():
                total -= 2 * (character in _RARE)  # probably the second byte of another character
                continue
            total += _usual(before, character, encoding)
            count += 1
            if encoding.scripts == ("LATIN",):
                total -= 2 * (latin < 1)  # a word that has only accented letters
            else:
                total -= 1.5 * (_is_ascii_letter(before) + _is_ascii_letter(after))
    return total / max(count, 1)


def _is_ascii_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _usual(before: str, character: str, encoding: _Encoding) -> float:
    if category(character)[0] not in "LN":
        return -3 if category(character)[0] in "SC" or not encoding.basic else 0
    script = name(character, "")
    if not script.startswith(encoding.scripts):
        return -3  # also for HALFWIDTH KATAKANA
    if script.startswith(("HIRAGANA", "KATAKANA")):
        return 2
    if character.isupper() and before.isalpha() and before.islower():
        return -3
    if character.lower() in encoding.usual:
        return 2
    return 1 if _is_frequent(character, encoding) else -1


def _is_frequent(character: str, encoding: _Encoding) -> bool:
    if not encoding.basic:
        return False
    try:
        first = character.encode(encoding.basic)[0]
    except UnicodeEncodeError:
        return False
    low, high = _FREQUENT[encoding.basic]
    return low <= first <= high
