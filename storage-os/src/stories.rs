//! What opening a path can meet, told as tests. The devices share all of this, so it is tested once, here.

use crate::StoreFile;
use crate::testing::Place;
use std::fs;
use std::path::Path;
use storage_core::conformance::superblock;
use storage_core::device::{DeviceErrorKind, Growth, OpenOptions, Operation, Result, WriteBlock};
use storage_core::page::{PageCount, PageId, PageSize};

type Store = StoreFile<()>;

fn open(path: &Path, options: OpenOptions) -> Result<Store> {
    StoreFile::open(path, &options, "test", |_, _| Ok(()))
}

fn read_only() -> OpenOptions {
    OpenOptions { read_only: true, ..OpenOptions::open() }
}

fn kind(result: Result<Store>) -> DeviceErrorKind {
    let error = result.expect_err("this cannot be opened");
    assert!(error.to_string().contains("store.folio"), "the error names the file: {error}");
    error.kind()
}

/// A closed store of eight pages.
fn store(place: &Place, size: PageSize) {
    let store = open(&place.path(), OpenOptions::create(size)).unwrap();
    store.grow(PageCount::new(8)).unwrap();
    store
        .write_durable(&[WriteBlock { page: PageId::new(0), offset: 0, data: &superblock(size)[..4096] }])
        .unwrap();
    store.close().unwrap();
}

#[test]
fn a_missing_file_a_directory_and_a_pipe_are_told_apart() {
    let place = Place::default();
    let path = place.path();
    assert_eq!(kind(open(&path, OpenOptions::open())), DeviceErrorKind::NotFound);
    assert_eq!(kind(open(&path.join("x"), OpenOptions::create(PageSize::K4))), DeviceErrorKind::NotFound);
    assert!(!path.exists(), "opening makes no file");
    fs::create_dir(&path).unwrap();
    for options in [OpenOptions::open(), OpenOptions::create(PageSize::K4), read_only()] {
        assert_eq!(kind(open(&path, options)), DeviceErrorKind::NotAFile);
    }
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"").unwrap();
    assert_eq!(kind(open(&path.join("x"), OpenOptions::open())), DeviceErrorKind::NotFound);
    fs::remove_file(&path).unwrap();
    #[cfg(target_os = "linux")]
    {
        let socket = std::os::unix::net::UnixListener::bind(&path);
        if socket.is_ok() {
            assert_eq!(kind(open(&path, OpenOptions::open())), DeviceErrorKind::NotAFile);
        }
    }
}

#[test]
fn what_is_not_ours_is_refused_and_left_as_it_is() {
    let place = Place::default();
    let mut behind_zeros = vec![0; 200_000];
    behind_zeros[150_001] = 1;
    for foreign in [b"a letter to somebody".to_vec(), vec![b'x'; 70_000], behind_zeros] {
        fs::write(place.path(), &foreign).unwrap();
        for options in [OpenOptions::open(), OpenOptions::create(PageSize::K16), read_only()] {
            assert_eq!(kind(open(&place.path(), options)), DeviceErrorKind::NotAStore);
        }
        assert!(fs::read(place.path()).unwrap() == foreign);
    }
}

#[test]
fn what_a_cut_off_creation_left_is_created_afresh() {
    let place = Place::default();
    for left in [0, 100, 4096, 300_000] {
        fs::write(place.path(), vec![0; left]).unwrap();
        assert_eq!(kind(open(&place.path(), OpenOptions::open())), DeviceErrorKind::Unfinished);
        let store = open(&place.path(), OpenOptions::create(PageSize::K32)).unwrap();
        assert_eq!((store.page_size(), store.page_count()), (PageSize::K32, PageCount::new(0)));
    }
}

#[test]
fn a_store_that_was_cut_is_short_and_stays_so_for_create() {
    let place = Place::default();
    store(&place, PageSize::K4);
    for bytes in [5 * 4096 - 1, 4096, 4000, 3] {
        place.cut(bytes);
        for options in [OpenOptions::open(), read_only(), OpenOptions::create(PageSize::K4)] {
            assert_eq!(kind(open(&place.path(), options)), DeviceErrorKind::ShortFile, "{bytes}");
        }
        assert_eq!(fs::metadata(place.path()).unwrap().len(), bytes);
    }
}

#[test]
fn opening_changes_nothing_not_even_a_torn_last_page() {
    let place = Place::default();
    store(&place, PageSize::K4);
    let torn = 7 * 4096 + 99;
    place.cut(torn);
    let before = fs::read(place.path()).unwrap();
    for options in [read_only(), OpenOptions::open()] {
        let store = open(&place.path(), options).unwrap();
        assert_eq!(store.page_count(), PageCount::new(7));
    }
    assert!(fs::read(place.path()).unwrap() == before);
}

#[cfg(unix)]
#[test]
fn a_read_only_file_in_a_read_only_directory_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::default();
    store(&place, PageSize::K8);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&place.path(), 0o444);
    mode(place.directory(), 0o555);
    let reader = open(&place.path(), read_only()).unwrap();
    assert_eq!((reader.page_size(), reader.page_count().get()), (PageSize::K8, 8));
    drop(reader);
    // A privileged user may write whatever the mode says; everybody else is told that it can be read.
    if let Err(error) = open(&place.path(), OpenOptions::open()) {
        assert_eq!(error.kind(), DeviceErrorKind::ReadOnly, "{error}");
    }
    mode(place.directory(), 0o755);
}

#[test]
fn a_store_is_not_created_read_only() {
    let place = Place::default();
    let options = OpenOptions { read_only: true, ..OpenOptions::create(PageSize::K4) };
    assert_eq!(kind(open(&place.path(), options)), DeviceErrorKind::ReadOnly);
    assert!(!place.path().exists());
}

#[cfg(target_os = "linux")]
#[test]
fn growth_reserves_space_exactly_as_asked() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::default();
    let store = open(&place.path(), OpenOptions::create(PageSize::K16)).unwrap();
    store.grow(PageCount::new(100)).unwrap();
    let file = fs::metadata(place.path()).unwrap();
    assert_eq!(file.len(), 100 << 14);
    if store.info().growth == Growth::Reserved {
        assert!(file.blocks() * 512 >= file.len(), "{} blocks for {} bytes", file.blocks(), file.len());
    }
}

#[test]
fn a_kernel_without_write_through_gets_a_write_and_a_sync() {
    let place = Place::default();
    let store = open(&place.path(), OpenOptions::create(PageSize::K4)).unwrap();
    store.grow(PageCount::new(3)).unwrap();
    store.write_through.store(false, std::sync::atomic::Ordering::Relaxed);
    let data = superblock(PageSize::K4);
    store.write_durable(&[WriteBlock { page: PageId::new(2), offset: 0, data: &data }]).unwrap();
    assert!(fs::read(place.path()).unwrap()[8192..] == data[..]);
    // This call's failure poisons like any other.
    store.fail_next(Operation::WriteDurable);
    let block = WriteBlock { page: PageId::new(1), offset: 0, data: &data };
    assert_eq!(store.write_durable(&[block]).unwrap_err().kind(), DeviceErrorKind::Io);
    assert_eq!(store.sync().unwrap_err().kind(), DeviceErrorKind::Poisoned);
}
