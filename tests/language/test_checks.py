"""Each check passes a correct translation and names the error in a wrong one; both directions."""

import json
from pathlib import Path

import pytest

from bimedix2.language.checks import CHECKS, check_translation

# The check that must fail, an English text, its correct Arabic, and the Arabic with one error.
ERRORS = [
    ("laterality", "The left lung is clear.", "الرئة اليسرى صافية.", "الرئة اليمنى صافية."),
    ("laterality", "A cyst in the right ovary.", "كيسة في المبيض الأيمن.", "كيسة في المبيض."),
    (
        "laterality",
        "The right ventricle is larger than the left.",
        "البطين الأيمن أكبر من الأيسر.",
        "البطين الأيسر أكبر من الأيمن.",
    ),
    ("laterality", "Bilateral hilar nodes.", "عقد نقيرية ثنائية الجانب.", "عقد نقيرية أحادية الجانب."),
    ("negation", "There is no fracture.", "لا يوجد كسر.", "يوجد كسر."),
    ("negation", "A fracture is seen.", "يُشاهد كسر.", "لا يُشاهد كسر."),
    ("negation", "Cancer is unlikely.", "السرطان غير مرجح.", "السرطان مرجح."),
    ("negation", "The patient denies cough.", "ينفي المريض وجود سعال.", "يذكر المريض وجود سعال."),
    ("negation", "He has neither fever nor cough.", "ليس لديه حمى ولا سعال.", "لديه حمى وسعال."),
    ("numbers", "The mass measures 34 mm.", "قياس الكتلة ٣٤ ملم.", "قياس الكتلة ٤٣ ملم."),
    ("numbers", "Three stones.", "ثلاث حصيات.", "أربع حصيات."),
    ("numbers", "Repeat after two weeks.", "يُعاد بعد أسبوعين.", "يُعاد بعد ثلاثة أسابيع."),
    ("numbers", "Repeat after three weeks.", "يُعاد بعد ثلاثة أسابيع.", "يُعاد بعد أسبوعين."),
    ("numbers", "The T-score is -2.5.", "القيمة التائية -2.5.", "القيمة التائية 2.5."),
    ("numbers", "More than half of them.", "أكثر من نصفهم، أي أكثر من النصف.", "أكثر من ثلث الحالات."),
    ("units", "Give 5 mg.", "أعطِ 5 ملغ.", "أعطِ 5 مكغ."),
    ("units", "Glucose 90 mg/dL.", "الغلوكوز 90 ملغ/ديسيلتر.", "الغلوكوز 90 ملغ/لتر."),
    ("units", "It lasts 3 days.", "يدوم 3 أيام.", "يدوم 3 أسابيع."),
    ("units", "Temperature 38 C.", "درجة الحرارة 38 مئوية.", "درجة الحرارة 38 فهرنهايت."),
    ("units", "Angulation of 25 degrees.", "تزوٍّ قدره 25 درجة.", "تزوٍّ قدره 25 مليمترًا."),
    ("units", "A man aged 31 has gout.", "رجل عمره 31 عامًا مصاب بالنقرس.", "رجل عمره 31 شهرًا مصاب بالنقرس."),
    ("negation", "The mass is heterogeneous.", "الكتلة غير متجانسة.", "لا تُرى كتلة غير متجانسة."),
    (
        "levels",
        "The fourth and fifth lumbar vertebrae are fused.",
        "الفقرتان القطنيتان الرابعة والخامسة ملتحمتان.",
        "الفقرتان القطنيتان الثالثة والخامسة ملتحمتان.",
    ),
    ("doses", "Take it twice daily.", "يؤخذ مرتين يوميًا.", "يؤخذ ثلاث مرات يوميًا."),
    ("doses", "Take it once daily.", "يؤخذ مرة واحدة يوميًا.", "يؤخذ مرة واحدة أسبوعيًا."),
    ("doses", "Take it before meals.", "يؤخذ قبل الطعام.", "يؤخذ بعد الطعام."),
    ("doses", "Give it intravenously.", "يُعطى وريديًا.", "يُعطى عن طريق الفم."),
    ("ranges", "Keep it at 4-6 weeks.", "يبقى ٤-٦ أسابيع.", "يبقى ٤-٨ أسابيع."),
    ("ranges", "Between 80 and 130.", "بين 80 و130.", "بين 130 و80."),
    ("comparisons", "Less than 30 mL.", "أقل من 30 مل.", "أكثر من 30 مل."),
    ("comparisons", "At least 5 days.", "5 أيام على الأقل.", "5 أيام على الأكثر."),
    ("comparisons", "Not more than 4 doses.", "بما لا يتجاوز 4 جرعات.", "بما يتجاوز 4 جرعات."),
    ("comparisons", "Potassium increased.", "ارتفع البوتاسيوم.", "انخفض البوتاسيوم."),
    ("levels", "Disc bulge at L4-L5.", "انتفاخ قرصي عند L4-L5.", "انتفاخ قرصي عند L3-L4."),
    ("levels", "Fracture of T12.", "كسر الفقرة الصدرية الثانية عشرة.", "كسر الفقرة الصدرية الحادية عشرة."),
    (
        "levels",
        "Fracture of T12.",
        "كسر الفقرة الصدرية الثانية عشرة (T12).",
        "كسر الفقرة الصدرية الثانية عشرة (T11).",
    ),
    ("drugs", "Give enoxaparin.", "أعطِ الإينوكسابارين.", "أعطِ الوارفارين."),
    ("drugs", "Give apixaban.", "أعطِ أبيكسابان.", "أعطِ ريفاروكسابان."),
    ("drugs", "Stop paracetamol.", "أوقف الباراسيتامول.", "أوقف الإيبوبروفين."),
    ("drugs", "Prednisone is given.", "يُعطى البريدنيزون.", "يُعطى البريدنيزولون."),
    ("drugs", "Bed rest is advised.", "يُنصح بالراحة في السرير.", "يُنصح بالميتفورمين."),
    ("sites", "A stone in the ureter.", "حصاة في الحالب.", "حصاة في المثانة."),
    ("sites", "The upper lobe is affected.", "الفص العلوي مصاب.", "الفص السفلي مصاب."),
    ("sites", "Liver enzymes are high.", "إنزيمات الكبد مرتفعة.", "إنزيمات البنكرياس مرتفعة."),
    ("options", "Which?\nA. Liver\nB. Lung", "أيهما؟\nأ. الكبد\nب. الرئة", "أيهما؟\nب. الكبد\nأ. الرئة"),
    ("options", "Which?\nA. Liver\nB. Lung", "أيهما؟\nA) الكبد\nB) الرئة", "أيهما؟\nأ. الكبد\nB. الرئة"),
    (
        "options",
        "Which?\nA. Liver\nB. Lung\nAnswer: B",
        "أيهما؟\nأ. الكبد\nب. الرئة\nالإجابة: ب",
        "أيهما؟\nأ. الكبد\nب. الرئة\nالإجابة: أ",
    ),
    (
        "options",
        "Which?\nA. Liver\nB. Lung\nThe answer is B because it moves.",
        "أيهما؟\nA. الكبد\nB. الرئة\nالجواب هو B لأنها تتحرك.",
        "أيهما؟\nA. الكبد\nB. الرئة\nالجواب هو A لأنها تتحرك.",
    ),
    ("numbers", "Wait 30 minutes.", "انتظر نصف ساعة.", "انتظر ربع ساعة."),
    ("numbers", "The dose is halved.", "تُخفَّض الجرعة إلى النصف.", "تُخفَّض الجرعة إلى الثلث."),
    ("gender", "A girl of nine.", "طفلة في التاسعة.", "طفل في التاسعة."),
    ("sites", "Fracture of the mandible.", "كسر في الفك السفلي.", "كسر في الفك العلوي."),
    ("comparisons", "It is not larger than 4 cm.", "لا يزيد قياسه على 4 سم.", "لا يقل قياسه عن 4 سم."),
    (
        "negation",
        "Do not use it on the face or in the groin.",
        "لا تستعمله على الوجه ولا في المغبن.",
        "استعمله على الوجه ولا في المغبن.",
    ),
    (
        "negation",
        "She has no cough or weight loss.",
        "ليس لديها سعال ولا نقص وزن.",
        "لديها سعال ولا نقص وزن.",
    ),
    (
        "negation",
        "Little space is left in the jaw.",
        "لا يبقى في الفك إلا حيّز ضئيل.",
        "يبقى في الفك إلا حيّز ضئيل.",
    ),
    (
        "negation",
        "The rate must not exceed 50 mg/min.",
        "يجب ألا تتجاوز السرعة 50 ملغ/دقيقة.",
        "يجب أن تتجاوز السرعة 50 ملغ/دقيقة.",
    ),
    (
        "negation",
        "Give it every 6 hours, with no more than 4 doses a day.",
        "يُعطى كل 6 ساعات، على ألا يزيد العدد على 4 جرعات في اليوم.",
        "لا يُعطى كل 6 ساعات، على ألا يزيد العدد على 4 جرعات في اليوم.",
    ),
    (
        "negation",
        "Lactose intolerance is not an allergy and does not harm the bowel.",
        "عدم تحمل اللاكتوز ليس حساسية ولا يضر الأمعاء.",
        "عدم تحمل اللاكتوز ليس حساسية ويضر الأمعاء.",
    ),
    ("negation", "The rash spares the folds.", "لا يشمل الطفح الثنيات.", "يشمل الطفح الثنيات."),
    ("negation", "Can it rule out infection?", "هل يمكنه أن ينفي العدوى؟", "هل يمكنه أن يؤكد العدوى؟"),
    ("negation", "The margins are irregular.", "الحواف غير منتظمة.", "الحواف منتظمة."),
    ("negation", "Mild nausea is normal.", "الغثيان الخفيف طبيعي.", "الغثيان الخفيف غير طبيعي."),
    ("negation", "CD5 positivity supports it.", "إيجابية CD5 تدعمه.", "سلبية CD5 تدعمه."),
    ("placeholders", "<image>\nWhat is it?", "<image>\nما هذا؟", "ما هذا؟"),
    ("placeholders", "<image>\nWhat is it?", "<image>\nما هذا؟", "<image> <image>\nما هذا؟"),
    ("placeholders", "A: <image>\nB: yes", "أ: <image>\nب: نعم", "أ:\nب: نعم <image>"),
    ("placeholders", '{"answer": "lung"}', '{"answer": "رئة"}', '{"جواب": "رئة"}'),
    (
        "turns",
        "User: How are you?\nNurse: Well.\nUser: Good.",
        "المستخدم: كيف حالك؟\nالممرضة: بخير.\nالمستخدم: جيد.",
        "المستخدم: كيف حالك؟\nالممرضة: بخير. جيد.",
    ),
    (
        "turns",
        "Patient: I cough at night.\nDoctor: Since when?",
        "المريض: أسعل ليلًا.\nالطبيب: منذ متى؟",
        "المريض: أسعل ليلًا. منذ متى؟",
    ),
    (
        "laterality",
        "MRI BRAIN: The right hemisphere is normal.\nIMPRESSION: Acute infarct on the left.",
        "التصوير بالرنين المغناطيسي للدماغ: نصف الكرة الأيمن طبيعي.\nالانطباع: احتشاء حاد في الجهة اليسرى.",
        "التصوير بالرنين المغناطيسي للدماغ: نصف الكرة الأيمن طبيعي.\nالانطباع: احتشاء حاد في الجهة اليمنى.",
    ),
    ("gender", "A woman aged 40 is tired.", "امرأة عمرها 40 عامًا متعبة.", "رجل عمره 40 عامًا متعب."),
    ("gender", "She has pain. Her skin is dry.", "لديها ألم. جلدها جاف.", "لديه ألم. جلده جاف."),
    ("gender", "My son has a rash.", "ابني مصاب بطفح.", "ابنتي مصابة بطفح."),
    ("sentences", "The liver is normal. The spleen is large.", "الكبد طبيعي. الطحال كبير.", "الكبد طبيعي."),
    ("sentences", "The liver is normal.", "الكبد طبيعي.", "الكبد طبيعي. ويُنصح بإعادة التصوير بعد عدة أشهر."),
    ("english", "There is a cyst in the liver.", "توجد كيسة في الكبد.", "توجد cyst في الكبد."),
    ("english", "The liver is normal.", "الكبد (liver) طبيعي.", "(liver) الكبد طبيعي."),
    ("dialect", "Why do you want it now?", "لماذا تريده الآن؟", "ليش بدك ياه هلق؟"),
    ("dialect", "I do not know what this is.", "لا أعرف ما هذا.", "مش عارف ايه ده."),
    ("repetition", "The liver is normal.", "الكبد طبيعي.", "الكبد طبيعي جدا جدا جدا جدا جدا جدا."),
    ("language", "The liver is normal.", "الكبد طبيعي.", "Le foie est normal."),
    ("language", "The liver is normal.", "الكبد طبيعي.", ""),
]


def names(source: str, target: str) -> list[str]:
    return [failure.check for failure in check_translation(source, target)]


@pytest.mark.parametrize(("name", "source", "good", "bad"), ERRORS)
def test_an_error_fails_by_name_and_the_correct_translation_passes(
    name: str, source: str, good: str, bad: str
) -> None:
    assert names(source, good) == []
    assert name in names(source, bad)


@pytest.mark.parametrize(
    ("name", "english", "good", "bad"),
    [row for row in ERRORS if row[0] not in ("dialect", "english", "repetition", "language")],
)
def test_the_same_pairs_the_other_way_round(name: str, english: str, good: str, bad: str) -> None:
    assert names(good, english) == []
    assert name in names(bad, english)


def test_every_check_has_an_error_here() -> None:
    assert {row[0] for row in ERRORS} == set(CHECKS)


def test_a_failure_explains_itself_and_points_at_both_texts() -> None:
    source, target = "The LEFT kidney.", "الكُلية اليُمنى."
    failure = check_translation(source, target)[0]
    assert failure.check == "laterality"
    assert "keep the side" in failure.why
    assert [source[a:b] for a, b in failure.source] == ["LEFT"]
    assert [target[a:b] for a, b in failure.target] == ["اليُمنى"]


def test_only_the_checks_that_are_asked_for_are_made() -> None:
    assert [f.check for f in check_translation("5 left eyes", "6 عيون يمنى", only=["numbers"])] == ["numbers"]


def test_the_same_pair_fails_in_the_same_way_every_time() -> None:
    source, target = ERRORS[0][1], ERRORS[0][3]
    assert check_translation(source, target) == check_translation(source, target)


CORRECT = [
    ("He was left without treatment, which is not right.", "تُرك من دون علاج، وهذا ليس صحيحًا."),
    ("Take it every Monday and every two weeks.", "تناوله كل يوم إثنين وكل أسبوعين."),
    ("Six doses, 5 mL every two minutes with a spoon.", "ست جرعات، 5 مل كل دقيقتين بالملعقة."),
    ("It fell from 11.2 g/dL to 7.4 g/dL.", "انخفض من 11.2 غ/دل إلى 7.4 غ/دل."),
    ("Repeated for six cycles.", "كُرر لست دورات."),
    ("The oral form is slightly less effective.", "الشكل الفموي أقل فعالية بقليل."),
    ("Ten minutes, not more.", "عشر دقائق، لا أكثر."),
    ("The count fell from 244,000 to 96,000.", "انخفض التعداد من 244 ألفًا إلى 96 ألفًا."),
    ("The ratio is per 100,000 live births.", "النسبة لكل مائة ألف مولود حي."),
    ("Treated with spinal anaesthesia, which was safe.", "عولج بالتخدير النخاعي، فكان آمنًا."),
    ("They were identified by the monitor.", "المرضى الذين كشفهم الجهاز."),
    ("Weak correlation (r = -0.21, p = 0.04).", "ارتباط ضعيف (r = -0.21، p = 0.04)."),
    ("Write down the date.", "دوّن التاريخ."),
    ("Perforation is unlikely, but it cannot be excluded.", "الانثقاب غير مرجح، ولكن لا يمكن استبعاده."),
    (
        "The OraQuick® assay (OraSure Technologies) in sputum is valid among patients with tuberculosis.",
        "اختبار OraQuick® (شركة OraSure Technologies) في القشع صالح بين المرضى المصابين بالسل.",
    ),
    ("Of them 72% incorrectly dosed it.", "وأخطأ 72% منهم في جرعته."),
    ("In the six U.S. states.", "في الولايات الأمريكية الست."),
    ("Occupancy rose, never exceeding 80%.", "ازداد الإشغال ولم يتجاوز قط 80%."),
    (
        "A slice 3 cm above L3 with r values of 0.8 and 0.9.",
        "مقطع فوق الفقرة القطنية الثالثة بمقدار 3 سم، بقيمتي r قدرهما 0.8 و0.9.",
    ),
    ("The specificity of 1 mg DST.", "نوعية اختبار التثبيط بـ1 ملغ من الديكساميثازون."),
    (
        "It has i) a high uptake; ii) a slow release; iii) a late peak.",
        "يتصف بما يلي: أولًا، قبط مرتفع؛ ثانيًا، تحرر بطيء؛ ثالثًا، ذروة متأخرة.",
    ),
    ("Only gay men get it, right?", "لا يصيب إلا الرجال المثليين، أليس كذلك؟"),
    (
        "Is a spoon the right first aid? Answer yes or no.",
        "هل الملعقة هي الإسعاف الأولي الصحيح؟ أجب بنعم أو لا.",
    ),
    ("There is little point in asking.", "لا فائدة كبيرة من السؤال."),
    ("People with HIV need care.", "يحتاج المصابون بفيروس نقص المناعة البشرية إلى رعاية."),
    (
        "When it is deficient, fewer are made and it is cleared more slowly.",
        "عندما ينقص، يُصنع عدد أقل وتصبح تصفيته أبطأ.",
    ),
    ("Do not stop it without asking me.", "لا توقفه قبل أن تسألني."),
    ("Infection with Leishmania major was found.", "وُجدت عدوى بطفيلي Leishmania major."),
    ("A stone is seen at its base.", "وتُرى حصاة عند قاعدتها."),
    ("You have never had it, have you?", "لم يسبق لك أن أصبت به، أليس كذلك؟"),
    ("The ventricles are enlarged out of proportion to atrophy.", "توسع البطينات لا يتناسب مع الضمور."),
    ("The routine film may be omitted.", "يمكن الاستغناء عن الصورة الروتينية."),
    ("Infants aged 2 to 12 months.", "رضّع تتراوح أعمارهم بين شهرين و12 شهرًا."),
    ("Did you miss dialysis?", "هل فاتتك جلسة ديال؟"),
    ("The maxillary canine ranks next.", "ويليها الناب العلوي بين الأسنان."),
    (
        "Lumbar spine MRI. Five lumbar-type vertebrae are assumed.",
        "تصوير العمود الفقري القطني بالرنين المغناطيسي. يُفترض وجود خمس فقرات من النمط القطني.",
    ),
    ("The pain is still there, especially at night.", "لا يزال الألم موجودًا، ولا سيما ليلًا."),
    ("It takes no longer than 7 days.", "لا تزيد المدة على 7 أيام."),
    ("A 54-year-old man.", "رجل في الرابعة والخمسين من عمره."),
    ("COVID-19 and vitamin B12.", "كوفيد-19 وفيتامين ب12."),
    ("About 40% of them.", "نحو ٤٠ في المئة منهم."),
    ("White cells 3.1 x 10⁹/L.", "الكريات البيض 3.1 × 10^9/لتر."),
    ("Take two tablets.", "تناول قرصين."),
    ("Blood pressure 120/80 mmHg.", "ضغط الدم ١٢٠/٨٠ ملم زئبق."),
    ("T2-weighted images of the knee.", "صور مرجحة بزمن T2 للركبة."),
    ("Both kidneys are normal.", "الكليتان طبيعيتان."),
    ("The patient feels well.", "يشعر المريض بأنه بخير."),
    ("The pregnant patient feels well.", "تشعر المريضة الحامل بأنها بخير."),
    ("Fracture of the fifth lumbar vertebra (L5).", "كسر الفقرة القطنية الخامسة (L5)."),
    ("There is atelectasis (collapse).", "يوجد انخماص (atelectasis)."),
    ("The answer is a fracture.", "الجواب كسر."),
    ("Infection with H. pylori.", "عدوى بجرثومة H. pylori."),
]


@pytest.mark.parametrize(("source", "target"), CORRECT)
def test_what_is_said_differently_is_no_error(source: str, target: str) -> None:
    assert names(source, target) == []
    assert names(target, source) == []


TRANSLATIONS = [
    json.loads(line)
    for line in Path(__file__).with_name("translations.jsonl").read_text(encoding="utf-8").splitlines()
]
"""Correct translations, written by hand for this test."""


@pytest.mark.parametrize("pair", TRANSLATIONS, ids=lambda pair: pair["source"][:40])
def test_a_correct_translation_passes_both_ways(pair: dict[str, str]) -> None:
    assert names(pair["source"], pair["target"]) == []
    assert names(pair["target"], pair["source"]) == []


@pytest.mark.parametrize("text", ["", " ", "\n", "<image>", "()", "٠", "a" * 5000, "لا " * 3000])
def test_no_text_breaks_a_check(text: str) -> None:
    for source, target in ((text, "الكبد"), ("The liver.", text), (text, text)):
        for failure in check_translation(source, target):
            assert failure.why
