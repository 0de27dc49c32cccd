//! The table alone: collisions, tombstones, memory.

use super::*;

fn set(table: &mut Table, key: &str, value: &str) {
    let span = Span {
        from: 0,
        len: value.len(),
        text_len: value.len(),
    };
    table.set_key(key, span).unwrap();
    table.end_block(value.as_bytes());
}

fn pairs(table: &Table) -> Vec<(String, String)> {
    table.values().into_iter().collect()
}

/// Keys that all want the same place in any index of up to 4,096 places.
fn colliding_keys(count: usize) -> Vec<String> {
    let keys = (0..).map(|n| format!("k{n}"));
    let same_home = |key: &String| Head::of_key(key).is_some_and(|head| head.hash() >> 52 == 7);
    keys.filter(same_home).take(count).collect()
}

#[test]
fn keys_that_collide_are_all_found() {
    let keys = colliding_keys(3 * REACH);
    let mut table = Table::new();
    for round in ["first", "second"] {
        for key in &keys {
            set(&mut table, key, &format!("{round} {key}"));
        }
    }
    assert!(table.elsewhere.len() >= REACH);
    let expected: Vec<_> = keys
        .iter()
        .map(|key| (key.clone(), format!("second {key}")))
        .collect();
    assert_eq!(pairs(&table), expected);
}

#[test]
fn long_keys_are_found() {
    let keys = [30, 31, 32, 33, 500].map(|len| "k".repeat(len));
    let mut table = Table::new();
    for value in ["1", "2"] {
        for key in &keys {
            set(&mut table, key, value);
        }
    }
    assert_eq!(table.elsewhere.len(), 4);
    assert_eq!(pairs(&table), keys.map(|key| (key, "2".to_owned())));
}

#[test]
fn clearing_and_setting_again_moves_to_the_end() {
    let mut table = Table::new();
    for key in ["a", "b", "c"] {
        set(&mut table, key, "1");
    }
    let a = table.find_key("a").unwrap();
    table.clear(a);
    table.clear(a);
    set(&mut table, "b", "2");
    set(&mut table, "a", "3");
    let order: Vec<_> = pairs(&table).into_iter().map(|(key, _)| key).collect();
    assert_eq!(order, ["b", "c", "a"]);
    table.clear_all();
    table.clear(a);
    assert_eq!((table.live, table.data), (0, 0));
    set(&mut table, "c", "4");
    assert_eq!(pairs(&table), [("c".to_owned(), "4".to_owned())]);
}

#[test]
fn keys_that_come_and_go_leave_nothing_behind() {
    let mut table = Table::new();
    // Where much is live, the keys alone are no reason to tidy up.
    let much = "v".repeat(2 << 20);
    set(&mut table, "stays", &much);
    for n in 0..3 * MAX_KEYS {
        let key = format!("key{n}");
        set(&mut table, &key, "1");
        let id = table.find_key(&key).unwrap();
        table.clear(id);
    }
    assert!(table.slots.len() <= MAX_KEYS + 3);
    assert!(table.index.len() <= 4 * ROOM * MAX_KEYS);
    set(&mut table, "last", "2");
    let stays = [("stays", much.as_str()), ("last", "2")];
    assert_eq!(
        pairs(&table),
        stays.map(|(key, value)| (key.into(), value.into()))
    );
}

#[test]
fn among_many_keys_one_may_be_set_again_in_the_same_block() {
    let mut table = Table::new();
    for n in 0..2 * FEW {
        set(&mut table, &format!("key{n}"), "1");
    }
    assert!(table.many);
    let block = b"0123456789";
    for (at, key) in ["key1", "key2", "key1", "key3", "key1", "key2"]
        .iter()
        .enumerate()
    {
        let span = Span {
            from: at,
            len: 2,
            text_len: 2,
        };
        table.set_key(key, span).unwrap();
    }
    let id = table.find_key("key3").unwrap();
    table.clear(id);
    table.end_block(block);
    let values = table.values();
    assert_eq!(values.len(), 2 * FEW - 1);
    assert_eq!(values.get("key1"), Some("45"));
    assert_eq!(values.get("key2"), Some("56"));
    assert_eq!(values.get("key3"), None);
}

#[test]
fn long_keys_that_come_and_go_leave_nothing_behind() {
    let mut table = Table::new();
    for n in 0..64 {
        set(&mut table, &format!("k{n}{}", "k".repeat(100_000)), "1");
        table.clear_all();
    }
    assert!(table.key_data <= 2 * SLACK);
}

#[test]
fn values_set_again_and_again_take_the_room_of_one() {
    let mut table = Table::new();
    let long = "v".repeat(40_000);
    for n in 0..500 {
        set(&mut table, "long", &long);
        set(&mut table, "short", &n.to_string());
    }
    assert!(table.values.len() <= 2 * table.data + SLACK);
    let all = [("long", long.as_str()), ("short", "499")];
    assert_eq!(
        pairs(&table),
        all.map(|(key, value)| (key.into(), value.into()))
    );

    let longest = "w".repeat(3 << 20);
    for _ in 0..5 {
        set(&mut table, "long", &longest);
    }
    set(&mut table, "long", "");
    table.pack_values();
    table.pack_values();
    assert!(table.values.capacity() + table.spare.capacity() <= 8 * SLACK);
}

#[test]
fn many_keys_keep_their_order_through_all_growing() {
    let mut table = Table::new();
    for n in 0..5000 {
        set(&mut table, &format!("key{n}"), "1");
    }
    for n in (0..5000).rev() {
        set(&mut table, &format!("key{n}"), &n.to_string());
    }
    let expected: Vec<_> = (0..5000)
        .map(|n| (format!("key{n}"), n.to_string()))
        .collect();
    assert_eq!(pairs(&table), expected);
    assert!(table.many);
}

#[test]
fn text_is_as_long_as_what_decoding_gives() {
    let values: [&[u8]; 7] = [
        b"",
        b"ab",
        b"\xFF",
        b"a\xE2\x82b",
        b"\xF0\x9F\x98",
        b"\xC0\xAF",
        "é".as_bytes(),
    ];
    for value in values {
        assert_eq!(text_len(value), String::from_utf8_lossy(value).len());
    }
}
