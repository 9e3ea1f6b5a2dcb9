//! Month and weekday names as `dmesg -T` prints them: strftime's %a and %b in the machine's
//! language. Short names collide between languages (Polish "lis" is November, Croatian
//! "lis" October; "mar" is March here and Tuesday there), so a name counts only where the
//! whole date agrees with the weekday in the same language.

use jiff::civil::Date;

/// One language: weekdays from Monday, months from January, each by its beginning.
struct Language {
    days: &'static str,
    months: &'static str,
}

const fn language(days: &'static str, months: &'static str) -> Language {
    Language { days, months }
}

#[rustfmt::skip]
const LANGUAGES: &[Language] = &[
    language("mon tue wed thu fri sat sun", "jan feb mar apr may jun jul aug sep oct nov dec"),
    language("mo di mi do fr sa so", "jan feb mär apr mai jun jul aug sep okt nov dez"),
    language("mo di mi do fr sa so", "jän feb mrz apr mai jun jul aug sep okt nov dez"),
    language("lun mar mer jeu ven sam dim", "janv févr mars avril mai juin juil août sept oct nov déc"),
    language("lun mar mié jue vie sáb dom", "ene feb mar abr may jun jul ago sep oct nov dic"),
    language("lun mar mer gio ven sab dom", "gen feb mar apr mag giu lug ago set ott nov dic"),
    language("seg ter qua qui sex sáb dom", "jan fev mar abr mai jun jul ago set out nov dez"),
    language("ma di wo do vr za zo", "jan feb mrt apr mei jun jul aug sep okt nov dec"),
    language("man tir ons tor fre lør søn", "jan feb mar apr maj jun jul aug sep okt nov dec"),
    language("ma. ti. on. to. fr. lø. sø.", "jan feb mars april mai juni juli aug sep okt nov des"),
    language("mån tis ons tor fre lör sön", "jan feb mar apr maj jun jul aug sep okt nov dec"),
    language("ma ti ke to pe la su", "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu"),
    language("pon wto śro czw pią sob nie", "sty lut mar kwi maj cze lip sie wrz paź lis gru"),
    language("pn wt śr cz pt sb nd", "sty lut mar kwi maj cze lip sie wrz paź lis gru"),
    language("po út st čt pá so ne", "led úno bře dub kvě čen čec srp zář říj lis pro"),
    language("po ut st št pi so ne", "jan feb mar apr máj jún júl aug sep okt nov dec"),
    language("pon uto sri čet pet sub ned", "sij velj ožu tra svi lip srp kol ruj lis stu pro"),
    language("h k sze cs p szo v", "jan febr márc ápr máj jún júl aug szept okt nov dec"),
    language("lu ma mi jo vi sb du", "ian feb mar apr mai iun iul aug sep oct nov dec"),
    language("pzt sal çrş prş cum cts paz", "oca şub mar nis may haz tem ağu eyl eki kas ara"),
    language("Пн Вт Ср Чт Пт Сб Вс", "янв фев мар апр май июн июл авг сен окт ноя дек"),
    language("Пн Вт Ср Чт Пт Сб Вс", "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"),
    language("пн вт ср чт пт сб нд", "січ лют бер кві тра чер лип сер вер жов лис гру"),
    language("пн вт ср чт пт сб нд", "яну фев мар апр май юни юли авг сеп окт ное дек"),
    language("Δευ Τρί Τετ Πέμ Παρ Σάβ Κυρ", "Ιαν Φεβ Μάρ Απρ Μάι Ιούν Ιούλ Αύγ Σεπ Οκτ Νοέ Δεκ"),
    language("月 火 水 木 金 土 日", "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月"),
    language("一 二 三 四 五 六 日", "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月"),
    language("월 화 수 목 금 토 일", "1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월"),
];

/// The month (1–12) that `month` names on the given day, when some language's name for the
/// day of the week agrees with it.
pub fn month(weekday: &[u8], month: &[u8], day: i8, year: i16) -> Option<i8> {
    let plain = |word: &[u8]| -> Option<String> {
        let word = std::str::from_utf8(word).ok()?.trim_end_matches(['.', ',']);
        Some(word.to_lowercase())
    };
    let (weekday, month) = (plain(weekday)?, plain(month)?);
    LANGUAGES.iter().find_map(|language| {
        let number = position(language.months, &month)? as i8 + 1;
        let date = Date::new(year, number, day).ok()?;
        let expected = date.weekday().to_monday_zero_offset() as usize;
        (position(language.days, &weekday)? == expected).then_some(number)
    })
}

/// Which of the names `word` is: the same but for a longer end ("juin" for "jui" is not
/// accepted the other way round), so that "sept" and "sep" both are September.
fn position(names: &str, word: &str) -> Option<usize> {
    let names = || {
        names
            .split(' ')
            .map(|n| n.trim_end_matches('.').to_lowercase())
    };
    names().position(|name| name == word).or_else(|| {
        let mut near = names().enumerate().filter(|(_, name)| {
            name.chars().count() > 2 && (word.starts_with(name.as_str()) || name.starts_with(word))
        });
        let only = near.next()?.0;
        (near.next().is_none() && word.chars().count() > 2).then_some(only)
    })
}
