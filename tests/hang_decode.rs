//! Registers in words, and the clocks behind them.

use jiff::tz::TimeZone;
use unhang::kernel_log::{Clock, Field, Reader, Registers, SECOND, Stamp, read_fields};

fn registers(text: &str) -> Registers {
    let mut registers = Registers::default();
    read_fields(text.as_bytes(), &mut registers);
    registers
}

fn uptime(seconds: i64) -> Stamp {
    Stamp {
        wall: None,
        uptime: Some(seconds * SECOND),
    }
}

#[test]
fn the_known_values_say_what_they_mean() {
    let say = |text: &str| registers(text).words(None).join("; ");
    assert_eq!(
        say("MAC Status <40080083>"),
        "MAC: link up, 1000 Mb/s, full duplex, not paused"
    );
    assert_eq!(
        say("MAC Status <40080003>"),
        "MAC: link up, 10 Mb/s, full duplex, not paused"
    );
    assert_eq!(say("MAC Status <40080080>"), "MAC: link down, not paused");
    assert_eq!(
        say("MAC Status <80093>"),
        "MAC: link up, 1000 Mb/s, full duplex, transmitter paused by the link partner"
    );
    assert_eq!(
        say("PHY Status <796d>"),
        "PHY: link up, autonegotiation complete"
    );
    assert_eq!(
        say("PHY Status <7949>"),
        "PHY: link was lost, autonegotiation not complete"
    );
    assert_eq!(
        say("PHY 1000BASE-T Status <7800>"),
        "1000BASE-T: master, local receiver ok, remote receiver ok, no idle errors"
    );
    assert_eq!(
        say("PHY 1000BASE-T Status <9803>"),
        "1000BASE-T: slave, master/slave fault, local receiver NOT ok, remote receiver ok, 3 idle errors (cable?)"
    );
    assert_eq!(say("PCI Status <10>"), "PCI: no bus errors");
    assert_eq!(
        say("PCI Status <2010>"),
        "PCI: bus error: master abort received"
    );
}

#[test]
fn the_age_of_the_stuck_packet_needs_the_tick_rate() {
    for hz in [100u64, 250, 300, 1000] {
        let jiffies = (1u64 << 32) + (86_400 - 300) * hz;
        let text = format!("time_stamp <{:x}> jiffies <{jiffies:x}>", jiffies - 3 * hz);
        let r = registers(&text);
        assert_eq!(r.hz(&uptime(86_400)), Some(hz));
        assert_eq!(r.age_ticks(), Some(3 * hz));
        assert_eq!(r.hz(&Stamp::default()), None);
        // Another boot's stamp must not yield a rate.
        assert_eq!(r.hz(&uptime(11)), None);
    }
    // Near the wrap all rates agree: not known.
    let r = registers(&format!("jiffies <{:x}>", (1u64 << 32) + 10));
    assert_eq!(r.hz(&uptime(300)), None);
    // 32-bit: the counter has wrapped between the two.
    let r = registers("time_stamp <ffffff00> jiffies <200>");
    assert_eq!(r.age_ticks(), Some(0x300));
}

#[test]
fn waiting_descriptors_wrap_around_the_ring() {
    let waiting = |text: &str| registers(text).waiting();
    assert_eq!(waiting("TDH <0> TDT <1>"), Some((1, 256)));
    assert_eq!(waiting("TDH <fe> TDT <2>"), Some((4, 256)));
    assert_eq!(waiting("TDH <3f0> TDT <10>"), Some((32, 1024)));
    assert_eq!(waiting("TDH <7>"), None);
}

#[test]
fn fields_are_found_however_they_are_written() {
    for text in [
        "TDH                  <1f>",
        "TDH <1f>",
        "#011TDH#011&lt;1f&gt;",
        "<b>TDH</b> TDH: <1F>",
        "\\n  TDH                  \\u003c1f\\u003e\\n",
    ] {
        let text = text.replace("#011", "\t");
        assert_eq!(registers(&text).get(Field::Tdh), Some(0x1f), "{text}");
    }
    let r = registers("next_to_watch.status <1> next_to_watch <2> next_to_clean <3>");
    assert_eq!(r.get(Field::NextToWatchStatus), Some(1));
    assert_eq!(r.get(Field::NextToWatch), Some(2));
    assert!(registers("TDH <br> TDT <xyz> TDT <12345678901234567>").is_empty());
}

#[test]
fn stamps_without_a_year_lie_in_the_year_before_the_file_was_written() {
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let at = |text: &str, written: &str| {
        let written: jiff::Timestamp = written.parse().unwrap();
        let mut clock = Clock::new(zone.clone(), written.as_microsecond());
        let (stamp, _) = clock.lead(text.as_bytes());
        let wall = jiff::Timestamp::from_microsecond(stamp.wall.unwrap()).unwrap();
        wall.to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    };
    assert_eq!(
        at("Dec 31 23:59:00 h x: y", "2026-01-02T00:00:00Z"),
        "2025-12-31 23:59"
    );
    assert_eq!(
        at("Jan  1 00:01:00 h x: y", "2026-01-02T00:00:00Z"),
        "2026-01-01 00:01"
    );
    assert_eq!(
        at("Feb 29 12:00:00 h x: y", "2024-03-02T00:00:00Z"),
        "2024-02-29 12:00"
    );
    // New year within the file.
    let log = "Dec 31 23:59:58 h kernel: e1000e 0000:00:1f.6 eno1: NIC Link is Down\n\
               Jan  1 00:00:02 h kernel: e1000e 0000:00:1f.6 eno1: NIC Link is Down\n";
    let clock = Clock::new(zone.clone(), 1_767_400_000_000_000);
    let walls: Vec<i64> = Reader::new(log.as_bytes(), clock)
        .filter_map(|seen| seen.unwrap().stamp.wall)
        .collect();
    assert_eq!(walls.last().unwrap() - walls[0], 4 * SECOND);
}
