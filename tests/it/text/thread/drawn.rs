//! Draws mails that quote one of our messages, with what is new in them.

/// Numbers that are the same in every run.
pub(super) struct Source(u64);

impl Source {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    // A word of no language.
    fn word(&mut self) -> String {
        let mut word = String::new();
        for _ in 0..1 + self.below(2) {
            word.push_str(self.pick(&["zor", "bli", "flu", "kva", "tem", "gro", "shu", "vel", "nix", "pao"]));
        }
        word.push_str(self.pick(&["g", "pte", "m", "k", "da", "rno", "x", "š"]));
        word
    }

    fn label(&mut self) -> String {
        let word = self.word();
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// A mail that was drawn.
pub(super) struct Mail {
    pub(super) ours: String,
    pub(super) subject: String,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    /// The new text, up to white space.
    pub(super) wanted: String,
    /// Whether nobody can say where the answer ends and the header begins: then some of the header may stay.
    pub(super) open_end: bool,
    /// What kind of mail it is, one word for each respect.
    pub(super) shapes: Vec<String>,
}

const OURS: &[(&str, &str, &str)] = &[
    (
        "english",
        "A quick question",
        "Hi Jane,\n\nI saw that your team grows fast. Would you like a demo of our tool? It saves most support teams about three hours a week, and the setup takes ten minutes.\n\nIf now is a bad time, just tell me when to ask again.\n\nBest,\nSam Lee\nUs Ltd\nhttps://us.example/unsubscribe?id=4711",
    ),
    (
        "english, of one line",
        "Onboarding at Acme",
        "Hello Jane, who looks after onboarding at your company, and would fifteen minutes on Thursday be too much to ask? Kind regards, Sam",
    ),
    ("english, short", "Slots next week", "Hi Jane,\n\nany thoughts on this?\n\nSam"),
    ("english, very short", "Any news", "Any news, Jane?"),
    (
        "english with a footer",
        "Cutting your cloud bill",
        "Hey Jane,\n\nmost companies of your size pay for servers they never use. We find those and switch them off - you pay us a share of what you save.\n\nWorth a call? Pick a time here: https://cal.us.example/sam\n\nSam\n\n--\nIf you don't want to hear from us again, reply with stop or click here to unsubscribe: https://us.example/u/99",
    ),
    (
        "german",
        "Kurze Frage zu Acme",
        "Guten Tag Frau Doe,\n\nwie lösen Sie heute die Übergabe zwischen Vertrieb und Kundenservice? Viele unserer Kunden verlieren dort täglich Zeit, und wir hätten eine einfache Lösung dafür.\n\nHätten Sie nächste Woche fünfzehn Minuten für ein Gespräch?\n\nMit freundlichen Grüßen\nSam Lee",
    ),
    (
        "french",
        "Une question rapide",
        "Bonjour Jane,\n\nj’ai vu que votre équipe s’agrandit. Nous aidons des sociétés comme la vôtre à répondre deux fois plus vite à leurs clients, sans embaucher.\n\nSeriez-vous disponible jeudi pour en parler ?\n\nBien à vous,\nSam",
    ),
    (
        "czech",
        "Krátký dotaz",
        "Dobrý den, Jane,\n\nvšimli jsme si, že váš tým rychle roste. Chtěla byste vidět krátkou ukázku našeho nástroje? Ušetří vám několik hodin týdně.\n\nS pozdravem\nSam Lee",
    ),
    (
        "greek",
        "Μια γρήγορη ερώτηση",
        "Γεια σας Jane,\n\nείδα ότι η ομάδα σας μεγαλώνει γρήγορα. Θα θέλατε μια σύντομη παρουσίαση του εργαλείου μας την επόμενη εβδομάδα;\n\nΜε εκτίμηση,\nSam",
    ),
    (
        "russian",
        "Короткий вопрос",
        "Здравствуйте, Джейн!\n\nЯ увидел, что ваша команда быстро растёт. Хотите посмотреть короткую демонстрацию нашего инструмента на следующей неделе?\n\nС уважением,\nСэм",
    ),
    (
        "chinese",
        "关于贵公司客服的问题",
        "您好 Jane，\n\n我注意到贵公司的团队正在快速成长。我们的工具可以帮助客服团队每周节省三个小时，您是否愿意在下周抽出十五分钟看一下演示？\n\n如果不想再收到我们的邮件，请点击这里退订。\n\nSam",
    ),
    (
        "japanese",
        "簡単な質問がございます",
        "Jane様\n\nお世話になっております。御社のチームが急速に成長していると拝見しました。弊社のツールの短いデモをご覧になりませんか。週に三時間ほど節約できます。\n\nよろしくお願いいたします。\nSam",
    ),
];

const THEIRS: &[(&str, &[&str])] = &[
    ("a word", &["Yes.", "Perhaps.", "Stop!", "Not interested, thanks."]),
    (
        "a line",
        &[
            "Yes please, Tuesday afternoon suits me well.",
            "We already have a supplier and are happy with them, sorry.",
            "A demo would be great, what does it cost?",
            "You ask whether a call is worth it - it is, write to Bob.",
            "Thanks Sam, how much is it for forty seats?",
            "Please remove me from your list.",
        ],
    ),
    (
        "some lines",
        &[
            "Hello Sam,\n\nthank you for writing. We could meet on the 14th at eleven, or a day later.\n\nRegards\nJane",
            "Dear Mr Lee,\n\nmy colleague Bob decides on such things:\nbob@acme.example\n\nYours\nJane Doe",
            "Sam -\n\n1. How is it priced?\n2. Where is the data kept?\n\nJane",
        ],
    ),
    (
        "another language",
        &[
            "Vielen Dank, aber wir haben derzeit keinen Bedarf. Bitte melden Sie sich im Herbst noch einmal!",
            "Merci, envoyez-moi plutôt une brochure.",
            "Děkuji, ozvěte se prosím v březnu.",
            "谢谢，我们暂时不需要，请明年再联系。",
            "ご連絡ありがとうございます。資料を送ってください。",
            "Спасибо, пришлите прайс-лист.",
        ],
    ),
];

impl Mail {
    pub(super) fn draw(source: &mut Source) -> Self {
        let (language, subject, ours) = source.pick(OURS);
        let (kind, answers) = source.pick(THEIRS);
        let answer = source.pick(answers).to_owned();
        let mut shapes = vec![format!("ours: {language}"), format!("answer: {kind}")];
        let (header_name, header) = draw_header(source, subject);
        shapes.push(format!("header: {header_name}"));
        let (cut_name, quoted) = draw_cut(source, ours);
        let quoted = change_links(source, &quoted);
        let place = source.pick(&["above", "above", "below", "between", "on the same line"]);
        let (text, html, wanted, form) = match place {
            "on the same line" => draw_one_line(source, &answer, &header, &quoted),
            _ => draw_lines(source, place, &answer, &header, &quoted),
        };
        shapes.push(format!("place: {place}"));
        shapes.push(format!("form: {form}"));
        shapes.push(format!("quoted: {cut_name}"));
        // Nor can anybody where a header's first words stand in another row.
        let flowed = form == "one paragraph wrapped at 60";
        let open_end = place == "on the same line" && (flowed || !answer.ends_with(['.', '!', '?', '。']));
        Self { open_end, ours: ours.to_owned(), subject: subject.to_owned(), text, html, wanted, shapes }
    }
}

// An introduction in invented words, of one or more lines.
fn draw_header(source: &mut Source, subject: &str) -> (&'static str, String) {
    let (first, second, third, fourth) = (source.label(), source.word(), source.word(), source.label());
    match source.below(9) {
        0 => ("day and first name", format!("{first} {second} 5 Jan. Sam:")),
        1 => ("date, name and address", format!("{first} 2026. {third} 5. 10:00 {second} Sam Lee <sam@us.example>:")),
        2 => ("name first", format!("Sam Lee {second} 05.01.2026 09:00:")),
        3 => ("address first", format!("sam@us.example {second} {third} (5/1/2026):")),
        4 => (
            "wrapped",
            format!("{first}, 5. {third} 2026 {second} 9:00,\nSam Lee (<sam@us.example>)\n{}:", source.word()),
        ),
        5 => ("ideographs", format!("2026年1月5日 17:00，Sam Lee <sam@us.example> {second}：")),
        6 => (
            "headers",
            format!(
                "{first}: Sam Lee\n{}: 5 {third} 2026\n{}: Jane\n{fourth}: {subject}",
                source.label(),
                source.label()
            ),
        ),
        7 => (
            "headers below a drawn line",
            format!(
                "-----{first} {second}-----\n{}: Sam Lee <sam@us.example>\n{}: 2026-01-05 09:00\n{}: jane@acme.example\n{fourth}: RE: {subject}\n",
                source.label(),
                source.label(),
                source.label()
            ),
        ),
        _ => (
            "headers in bold",
            format!(
                "________________________________\n*{first}:* Sam Lee\n*{}:* {third}, 5. {second} 2026 9:00\n*{}:* Jane Doe\n*{fourth}:* {subject}\n",
                source.label(),
                source.label()
            ),
        ),
    }
}

// The message as it is quoted: whole, or a part of it.
fn draw_cut(source: &mut Source, ours: &str) -> (&'static str, String) {
    let characters: Vec<char> = ours.chars().collect();
    if characters.len() < 60 {
        return ("whole", ours.to_owned());
    }
    let middle = characters.len() / 2 + source.below(characters.len() / 6);
    let part: String = characters[..middle].iter().collect();
    match source.below(8) {
        0 => {
            let words = part.rsplit_once(char::is_whitespace).map_or(part.as_str(), |(words, _)| words);
            ("cut in half", words.to_owned())
        }
        1 => ("cut within a word", format!("{part}…")),
        2 => ("cut with a note", format!("{}\n[…]", part.trim_end())),
        _ => ("whole", ours.to_owned()),
    }
}

fn change_links(source: &mut Source, text: &str) -> String {
    match source.below(3) {
        0 => text.replace("https://us.example/", "https://click.track.example/c/aHR0cHM6/"),
        1 => text.replace("https://cal.us.example/sam", "<https://safe.example/?url=https%3A%2F%2Fcal>"),
        _ => text.to_owned(),
    }
}

fn wrap(text: &str, width: usize) -> String {
    let mut out = Vec::new();
    for line in text.split('\n') {
        let mut row = String::new();
        for word in line.split(' ') {
            if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width {
                out.push(std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        out.push(row);
    }
    out.join("\n")
}

fn prefix(text: &str, sign: &str) -> String {
    text.split('\n').map(|line| format!("{sign}{line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

type Drawn = (Option<String>, Option<String>, String, &'static str);

// All on one line, as previews and some gateways have it.
fn draw_one_line(source: &mut Source, answer: &str, header: &str, quoted: &str) -> Drawn {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let header = flat(header.trim_matches(['_', '\n']));
    let line = format!("{} {header} {}", flat(answer), flat(quoted));
    match source.below(3) {
        0 => (None, Some(format!("<div>{}</div>", escape(&line))), answer.to_owned(), "html, one block"),
        // A drawn line is not wrapped.
        1 if !header.starts_with('-') => {
            (Some(wrap(&line, 60)), None, answer.to_owned(), "one paragraph wrapped at 60")
        }
        _ => (Some(line), None, answer.to_owned(), "one line"),
    }
}

fn draw_lines(source: &mut Source, place: &str, answer: &str, header: &str, quoted: &str) -> Drawn {
    let (form, history): (&'static str, String) = match source.below(6) {
        0 => ("bare", quoted.to_owned()),
        1 => ("behind >", prefix(quoted, "> ")),
        2 => ("wrapped at 60", wrap(quoted, 60)),
        3 => ("wrapped at 60 behind >", prefix(&wrap(quoted, 60), "> ")),
        4 => ("wrapped at 40, no blank lines", wrap(&quoted.replace("\n\n", "\n"), 40)),
        _ => ("html", quoted.to_owned()),
    };
    let gap = source.pick(&["\n", "\n\n"]);
    let (parts, wanted) = match place {
        "above" => (vec![Part::New(answer), Part::Header(header), Part::Quote(&history)], answer.to_owned()),
        "below" => (vec![Part::Header(header), Part::Quote(&history), Part::New(answer)], answer.to_owned()),
        _ => {
            // Between two paragraphs of ours; one paragraph cannot be interrupted.
            let blank = if form.ends_with("behind >") { "\n>\n" } else { "\n\n" };
            match history.split_once(blank) {
                Some((first, second)) => {
                    let parts = vec![Part::Header(header), Part::Quote(first), Part::New(answer), Part::Quote(second)];
                    return finish(form, &parts, gap, answer.to_owned());
                }
                None => (vec![Part::New(answer), Part::Header(header), Part::Quote(&history)], answer.to_owned()),
            }
        }
    };
    finish(form, &parts, gap, wanted)
}

enum Part<'a> {
    New(&'a str),
    Header(&'a str),
    Quote(&'a str),
}

fn finish(form: &'static str, parts: &[Part<'_>], gap: &str, wanted: String) -> Drawn {
    if form == "html" {
        let mut html = String::new();
        for part in parts {
            match part {
                Part::New(text) => html.push_str(&paragraphs(text)),
                Part::Header(text) => html.push_str(&format!("<div>{}</div>", escape(text).replace('\n', "<br>"))),
                Part::Quote(text) => html.push_str(&format!("<div>{}</div>", paragraphs(text))),
            }
        }
        return (None, Some(html), wanted, form);
    }
    let mut text = String::new();
    for part in parts {
        match part {
            Part::New(new) => text.push_str(&format!("{new}\n\n")),
            Part::Header(header) => text.push_str(&format!("{header}{gap}")),
            Part::Quote(quote) => text.push_str(&format!("{quote}\n\n")),
        }
    }
    (Some(text), None, wanted, form)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(|paragraph| format!("<p>{}</p>", escape(paragraph).replace('\n', "<br>"))).collect()
}
