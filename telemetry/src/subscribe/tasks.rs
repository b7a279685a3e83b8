//! What the kernel says of this process's threads: where each runs and how.

use std::path::Path;

use super::ThreadPicture;

/// Where the kernel tells of them.
const TASKS: &str = "/proc/self/task";

/// Adds what the kernel knows to the `threads` that count, and every thread that counts nothing. Where the kernel tells
/// nothing, they stay as they are.
pub(super) fn add_tasks(threads: &mut Vec<ThreadPicture>) {
    let Ok(tasks) = std::fs::read_dir(TASKS) else { return };
    let mut found: Vec<ThreadPicture> = tasks.flatten().filter_map(|task| look(&task.path())).collect();
    found.sort_by_key(|task| task.tid);
    for task in found {
        let counting = threads.iter_mut().find(|known| known.tid.is_none() && known.thread == task.thread);
        match counting {
            Some(known) => *known = ThreadPicture { counters: known.counters.take(), ..task },
            None => threads.push(task),
        }
    }
}

fn look(task: &Path) -> Option<ThreadPicture> {
    let tid = task.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read(task.join("stat")).ok()?;
    let status = std::fs::read(task.join("status")).unwrap_or_default();
    let mut thread = parse(&String::from_utf8_lossy(&stat))?;
    let status = String::from_utf8_lossy(&status);
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    (thread.tid, thread.cores) = (Some(tid), cores.map(|cores| cores.trim().to_owned()));
    Some(thread)
}

/// What `stat` has of a thread. Its name stands in parentheses and may hold anything, so what follows is counted from
/// the last one; numbers are those of proc(5).
fn parse(stat: &str) -> Option<ThreadPicture> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
    let number = |at: usize| field(at)?.parse::<i64>().ok();
    let ticks = number(14).zip(number(15)).and_then(|(user, system)| u64::try_from(user + system).ok());
    let policy = number(41).map(|policy| match policy {
        0 => format!("other nice {}", number(19).unwrap_or(0)),
        1 => format!("fifo {}", number(40).unwrap_or(0)),
        2 => format!("rr {}", number(40).unwrap_or(0)),
        3 => "batch".to_owned(),
        5 => "idle".to_owned(),
        6 => "deadline".to_owned(),
        other => other.to_string(),
    });
    Some(ThreadPicture {
        thread: name.to_owned(),
        tid: None,
        run_state: field(3).map(str::to_owned),
        core: number(39).and_then(|core| u32::try_from(core).ok()),
        cores: None,
        policy,
        cpu_ms: ticks.and_then(|ticks| Some(ticks.saturating_mul(1_000) / ticks_per_s()?)),
        counters: None,
    })
}

fn ticks_per_s() -> Option<u64> {
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
    u64::try_from(ticks).ok().filter(|ticks| *ticks > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_blanks() {
        let mut fields: Vec<String> = (3..=52).map(|number| number.to_string()).collect();
        fields[0] = "S".to_owned();
        fields[38] = "1".to_owned();
        let stat = format!("77 (a) 1 (b) {}", fields.join(" "));
        let thread = parse(&stat).expect("a thread");
        assert_eq!((thread.thread.as_str(), thread.run_state.as_deref()), ("a) 1 (b", Some("S")));
        assert_eq!((thread.core, thread.policy.as_deref()), (Some(39), Some("fifo 40")));
        assert!(parse("").is_none() && parse("1 (x").is_none());
        assert!(parse("1 (x)").is_some_and(|thread| thread.core.is_none() && thread.cpu_ms.is_none()));
    }

    #[test]
    fn every_thread_is_there_once_with_its_counters_where_it_has_some() {
        let (name, counting) = (
            "counts-in-tasks",
            ThreadPicture { counters: Some([("items".to_owned(), 7)].into()), ..ThreadPicture::default() },
        );
        let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
        let (ready_in, ready) = std::sync::mpsc::sync_channel(0);
        let sleeper = std::thread::Builder::new().name(name.into()).spawn(move || {
            ready_in.send(()).expect("awaited");
            let _ = wait.recv();
        });
        ready.recv().expect("it runs");
        let mut threads = vec![
            ThreadPicture { thread: name.to_owned(), ..counting.clone() },
            ThreadPicture { thread: "ended".to_owned(), ..counting.clone() },
        ];
        add_tasks(&mut threads);
        drop(go);
        sleeper.expect("a thread").join().expect("no panic");
        let of = |name: &str| threads.iter().filter(|thread| thread.thread == name).collect::<Vec<_>>();
        assert_eq!(of(name).len(), 1);
        assert!(of(name)[0].tid.is_some() && of(name)[0].counters == counting.counters);
        assert!(of("ended")[0].tid.is_none() && threads.len() > 2, "{threads:?}");
    }
}
