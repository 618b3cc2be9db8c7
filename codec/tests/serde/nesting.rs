//! The limit on the depth of values.

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tower {
    Top,
    Story(Box<Tower>),
}

fn tower(stories: usize) -> Tower {
    (0..stories).fold(Tower::Top, |tower, _| Tower::Story(Box::new(tower)))
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nest(Vec<Nest>);

#[test]
fn nesting_up_to_the_limit_is_accepted() {
    let bytes = to_vec(&tower(256)).unwrap();
    assert_eq!(from_slice::<Tower>(&bytes).unwrap(), tower(256));
    assert!(Value::decode(&bytes).is_ok());
}

/// Only contents are deeper.
#[test]
fn empty_container_is_accepted_at_the_limit() {
    let nest = |levels| (0..levels).fold(Nest(vec![]), |nest, _| Nest(vec![nest]));
    let bytes = to_vec(&nest(256)).unwrap();
    assert_eq!(from_slice::<Nest>(&bytes).unwrap(), nest(256));
    assert!(Value::decode(&bytes).is_ok());
    assert!(to_vec(&nest(257)).is_err());
    let bytes = [&[0x61; 257][..], &[0x60]].concat();
    assert!(from_slice::<Nest>(&bytes).is_err() && Value::decode(&bytes).is_err());

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holey(Vec<Option<Holey>>);
    let hole = (0..256).fold(array([Value::Hole]), |value, _| array([value]));
    let holey = (0..256).fold(Holey(vec![None]), |holey, _| Holey(vec![Some(holey)]));
    assert_eq!(from_slice::<Holey>(&to_vec(&hole).unwrap()).unwrap(), holey);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shelf {
        Empty {},
        Full(Box<Shelf>),
    }
    let shelf = |levels| (0..levels).fold(Shelf::Empty {}, |shelf, _| Shelf::Full(Box::new(shelf)));
    assert_eq!(from_slice::<Shelf>(&to_vec(&shelf(255)).unwrap()).unwrap(), shelf(255));
    assert!(to_vec(&shelf(256)).is_err());
}

#[test]
fn nesting_beyond_the_limit_is_refused_in_both_directions() {
    let error = to_vec(&tower(257)).unwrap_err().to_string();
    assert!(error.ends_with("values are nested too deep: 256 levels at most can be sent"), "{error}");
    assert!(to_vec(&tower(2000)).is_err());
    assert!(to_vec(&(0..300).fold(Nest(vec![]), |nest, _| Nest(vec![nest]))).is_err());
    assert!(to_vec(&(0..300).fold(Value::Null, |value, _| array([value]))).is_err());

    let mut bytes = b"\x71\x00\x45Story".to_vec();
    bytes.extend([0x71, 1].repeat(256));
    bytes.extend(b"\x43Top");
    let error = from_slice::<Tower>(&bytes).unwrap_err().to_string();
    assert!(error.contains("nested too deep"), "{error}");
    assert!(from_slice::<Nest>(&[vec![0x61; 300], vec![0x60]].concat()).is_err());
}

#[test]
fn value_field_counts_enclosing_levels() {
    let deep = |levels| (0..levels).fold(Value::Null, |value, _| array([value]));
    assert!(to_vec(&[[deep(254)]]).is_ok());
    assert!(to_vec(&[[deep(255)]]).is_err());
    assert_eq!(from_slice::<[[Value; 1]; 1]>(&to_vec(&[[deep(254)]]).unwrap()).unwrap(), [[deep(254)]]);
}
