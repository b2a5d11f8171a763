//! What values promise, over many random and many awkward ones.

use super::random::*;
use super::*;
use crate::model::Key;
use std::cmp::Ordering;
use storage_core::device::sim::Rng;

fn awkward() -> Vec<Value> {
    let mut values: Vec<Value> = vec![
        Value::Null,
        false.into(),
        true.into(),
        "".into(),
        "\0".into(),
        "a".into(),
        "a\0".into(),
        "a\0\0".into(),
        "a\0b".into(),
        "ab".into(),
        "é\u{10ffff}".into(),
        Value::Bytes(vec![]),
        Value::Bytes(vec![0; 64]),
        Value::Bytes(vec![0xff; 63]),
        Value::List(vec![]),
        Value::List(vec![Value::Null]),
        Value::List(vec!["a".into()]),
        Value::List(vec!["a".into(), Value::Null]),
        Value::List(vec!["a".into(), "".into()]),
        Value::List(vec!["a\0".into()]),
        Value::Text("x".repeat(63)),
        Value::Text("x".repeat(64)),
    ];
    for n in [0, 1, -1, 127, 128, i64::MIN, i64::MIN + 1, i64::MAX, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1] {
        values.extend([Value::Int(n), Value::Float(n as f64), Value::Timestamp(n), Value::Date(n as i32)]);
    }
    for x in [-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, -0.5, f64::MAX, 5e-324, 0.1] {
        values.push(Value::Float(x));
    }
    values
}

fn key(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    key_bytes(value, &mut out);
    out
}

fn last_key(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    last_key_bytes(value, &mut out);
    out
}

fn comes_back(value: &Value) {
    let mut out = Vec::new();
    encode(value, &mut out);
    assert_eq!(out.len(), encoded_len(value), "{value:?}");
    let back = decode_whole(&out).unwrap_or_else(|e| panic!("{value:?}: {e}"));
    assert!(same(value, &back), "{value:?} came back as {back:?}");
    let mut reader = Reader::new(&out);
    skip(&mut reader).expect("a valid value");
    assert!(reader.is_empty(), "{value:?} was not passed over whole");
    for cut in 0..out.len() {
        assert!(
            decode_whole(&out[..cut]).is_err() && skip(&mut Reader::new(&out[..cut])).is_err(),
            "{value:?}"
        );
    }
    for key in [key(value), last_key(value)] {
        let back = if key.len() == self::key(value).len() {
            let mut reader = Reader::new(&key);
            decode_key(&mut reader).inspect(|_| assert!(reader.is_empty()))
        } else {
            decode_last_key(&key)
        };
        assert_eq!(compare(&back.expect("a valid key"), value), Ordering::Equal, "{value:?}");
    }
}

#[test]
fn every_value_comes_back_bit_by_bit() {
    awkward().iter().for_each(comes_back);
    let mut random = Rng::new(1);
    (0..100_000).for_each(|_| comes_back(&value(&mut random)));
}

fn orders_agree(a: &Value, b: &Value) {
    let order = compare(a, b);
    assert_eq!(key(a).cmp(&key(b)), order, "{a:?} and {b:?}");
    assert_eq!(last_key(a).cmp(&last_key(b)), order, "{a:?} and {b:?}, as last keys");
    assert_eq!(compare(b, a), order.reverse(), "{a:?} and {b:?}, turned round");
    let longer = [key(a), vec![7]].concat();
    assert!(order == Ordering::Equal || !key(b).starts_with(&key(a)), "{a:?} begins {b:?}");
    assert_eq!(longer.cmp(&[key(b), vec![7]].concat()), order);
}

#[test]
fn key_bytes_sort_as_values_do() {
    let awkward = awkward();
    for a in &awkward {
        awkward.iter().for_each(|b| orders_agree(a, b));
    }
    let mut random = Rng::new(2);
    for _ in 0..200_000 {
        orders_agree(&value(&mut random), &value(&mut random));
    }
    for _ in 0..400_000 {
        let (n, x) = (integer(&mut random), float(&mut random));
        orders_agree(&Value::Int(n), &Value::Float(x));
        orders_agree(&Value::Int(n), &Value::Int(integer(&mut random)));
        orders_agree(&Value::Int(n), &Value::Float(n as f64));
    }
}

#[test]
fn integers_and_floats_are_compared_as_numbers() {
    let order = |a: i64, b: f64| compare(&Value::Int(a), &Value::Float(b));
    let two_53 = 9_007_199_254_740_992.0;
    assert_eq!(order((1 << 53) + 1, two_53), Ordering::Greater);
    assert_eq!(order((1 << 53) + 1, two_53 + 2.0), Ordering::Less);
    assert_eq!(order(i64::MAX, 9_223_372_036_854_775_808.0), Ordering::Less);
    assert_eq!(order(i64::MIN, -9_223_372_036_854_775_808.0), Ordering::Equal);
    assert_eq!(order(0, -0.0), Ordering::Equal);
    assert_eq!(order(-1, -0.5), Ordering::Less);
    assert_eq!(order(-1, -1.5), Ordering::Greater);
    assert_eq!(order(i64::MAX, f64::NAN), Ordering::Less);
    assert_eq!(compare(&Value::Float(f64::INFINITY), &Value::Float(-f64::NAN)), Ordering::Less);
    assert_eq!(compare(&Value::Float(f64::NAN), &Value::Float(-f64::NAN)), Ordering::Equal);
}

#[test]
fn the_order_of_types_is_part_of_the_format() {
    let keys: Vec<u8> = awkward().iter().map(|value| key(value)[0]).collect();
    for tag in keys {
        assert!([0x08, 0x10, 0x11, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40].contains(&tag));
    }
    let one = [Value::Null, true.into(), 1.into(), "".into(), Value::Bytes(vec![]), Value::Date(-9)];
    assert!(one.windows(2).all(|pair| compare(&pair[0], &pair[1]).is_lt()));
    assert!(compare(&Value::Date(9), &Value::Timestamp(-9)).is_lt());
    assert!(compare(&Value::Timestamp(9), &Value::List(vec![])).is_lt());
    assert_eq!(key(&Value::Int(1)), [0x18, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(key(&Value::Int((1 << 53) + 1)), [0x18, 0xc3, 0x40, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(key(&Value::Int(-(1 << 53))), [0x18, 0x3c, 0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    assert_eq!(key(&"a\0".into()), [0x20, b'a', 0, 0xff, 0, 0]);
}

#[test]
fn node_keys_come_back_and_stay_short() {
    let long = "\0".repeat(Key::MAX_LEN);
    for key in [
        Key::Int(i64::MIN),
        Key::Int(0),
        Key::Int(i64::MAX),
        Key::Int((1 << 60) + 1),
        "".into(),
        Key::Text(long),
    ] {
        let mut out = Vec::new();
        node_key_bytes(&key, &mut out);
        assert!(out.len() <= Key::MAX_LEN + 1);
        assert_eq!(node_key(&out), Ok(key));
    }
}

#[test]
fn garbage_is_refused_without_panic_or_much_memory() {
    let mut random = Rng::new(3);
    for round in 0..300_000 {
        let mut bytes = Vec::new();
        if round % 2 == 0 {
            encode(&value(&mut random), &mut bytes);
        } else {
            key_bytes(&value(&mut random), &mut bytes);
        }
        for _ in 0..=random.below(3) {
            if !bytes.is_empty() {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = random.next_u64() as u8;
            }
        }
        if let Ok(Value::List(items)) = decode_whole(&bytes) {
            assert!(items.capacity() <= bytes.len());
        }
        let _ = skip(&mut Reader::new(&bytes));
        let _ = decode_key(&mut Reader::new(&bytes));
        let _ = decode_last_key(&bytes);
        let _ = node_key(&bytes);
    }
    assert!(decode_whole(&[11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).is_err());
    assert!(decode_whole(&[11, 1, 11, 0]).is_err(), "a list in a list");
}

#[test]
fn dates_have_texts_and_texts_have_dates() {
    for (text, days) in [
        ("1970-01-01", 0),
        ("1969-12-31", -1),
        ("2026-01-31", 20_484),
        ("2000-02-29", 11_016),
        ("0000-01-01", -719_528),
        ("-000001-12-31", -719_529),
        ("-009999-01-01", -4_371_587),
        ("9999-12-31", 2_932_896),
    ] {
        assert_eq!(date::parse_date(text), Ok(days), "{text}");
        assert_eq!(date::print_date(days), text);
        assert!(date::date_in_range(days));
    }
    for wrong in
        ["", "2026-02-30", "2026-13-01", "2026-01-31T00:00:00", "31.1.2026", "2026-01-31 ", "x", "+1"]
    {
        assert!(date::parse_date(wrong).is_err(), "{wrong}");
    }
    assert_eq!(check(&Value::Date(2_932_897)), Err(ValueError::OutOfCalendar("date")));
    assert_eq!(check(&Value::Date(-4_371_588)), Err(ValueError::OutOfCalendar("date")));
    assert_eq!(date::print_date(i32::MAX), "day 2147483647");
}

#[test]
fn timestamps_have_texts_and_texts_have_timestamps() {
    for (text, micros) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-01-31T12:00:00Z", 1_769_860_800_000_000),
        ("2026-01-31T12:00:00.000001Z", 1_769_860_800_000_001),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ] {
        assert_eq!(date::parse_timestamp(text), Ok(micros), "{text}");
        assert_eq!(date::print_timestamp(micros), text);
    }
    for other in [
        "2026-01-31T13:00:00+01:00",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00.000000000Z",
        "2026-01-31T13:00:00.000+0100",
    ] {
        assert_eq!(date::parse_timestamp(other), Ok(1_769_860_800_000_000), "{other}");
    }
    for wrong in [
        "",
        "2026-01-31",
        "12:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:60Z",
        "99999-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z[UTC]",
    ] {
        assert!(date::parse_timestamp(wrong).is_err(), "{wrong}");
    }
    assert!(matches!(
        date::parse_timestamp("2026-01-31T12:00:00.0000001Z"),
        Err(date::DateError::TooFine(_))
    ));
    assert!(check(&Value::Timestamp(i64::MAX)).is_err() && !date::print_timestamp(i64::MIN).is_empty());
}

#[test]
fn random_dates_and_timestamps_come_back_from_their_texts() {
    let mut random = Rng::new(4);
    for _ in 0..20_000 {
        let days = (random.next_u64() as i32) % 2_932_896;
        assert_eq!(date::parse_date(&date::print_date(days)), Ok(days));
        let micros = (random.next_u64() as i64) % (2_932_896 * 86_400_000_000);
        let text = date::print_timestamp(micros);
        assert_eq!(date::parse_timestamp(&text), Ok(micros), "{text}");
    }
}
