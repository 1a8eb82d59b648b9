//! `docs/ce-cookbook.md` is true: every command of it is run where its files are, and prints what the page shows. With
//! `VATLAS_BLESS=1` the answers are written anew.

use crate::{
    run::{stderr, stdout, vatlas},
    world::fixtures,
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ce-cookbook.md")
}

/// The folder in which the page's commands are typed.
fn kitchen() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a written file");
    };
    let fixture = |name: &str| std::fs::read(fixtures().join(name)).expect("a fixture");
    put("serial.txt", SERIAL.as_bytes());
    put("panel.map", PANEL_MAP.as_bytes());
    put("scale.kdmp", &fixture("kdmp/scale-context.kdmp"));
    put("symbols/scale.map", SCALE_MAP.as_bytes());
    put("nk.bin", &fixture("rom/ce5-arm.bin"));
    put("boot.txt", BOOT.as_bytes());
    put("maps/shop.map", &fixture("rom/shop.map"));
    put("tool.txt", TOOL.as_bytes());
    put("tool/tool.map", TOOL_MAP.as_bytes());
    put("tool/average.cod", TOOL_LISTING.as_bytes());
    put("ce6.txt", CE_6.as_bytes());
    put("ce6/driver.map", DRIVER_MAP.as_bytes());
    put("mi.txt", MEMORY.as_bytes());
    put("field/nk.bin", &fixture("rom/ce5-arm.bin"));
    put("field/boot.txt", BOOT.as_bytes());
    put("field/maps/shop.map", &fixture("rom/shop.map"));
    put(
        "field/old/shop.map",
        String::from_utf8_lossy(&fixture("rom/shop.map")).replace("42231a01", "41f0a3c2").as_bytes(),
    );
    put("field/readme.txt", b"From the machine at the harbour gate.\n");
    folder
}

/// Two lines of a serial port; CE 5 prints module and offset.
const SERIAL: &str = "\
Data Abort: Thread=83f52a44 Proc=80a3c8b0 'panel.exe'
AKY=00000101 PC=00011084(panel.exe+0x00001084) RA=000110d0(panel.exe+0x000010d0) BVA=1200000c FSR=00000007
";

/// A map with line numbers, which the linker writes with /MAPINFO:LINES.
const PANEL_MAP: &str = r" panel

 Timestamp is 43210fed (Fri Sep  9 04:30:37 2005)

 Preferred load address is 00010000

 Start         Length     Name                   Class
 0001:00000000 00000100H .text                   CODE
 0002:00000000 00000200H .data                   DATA

  Address         Publics by Value              Rva+Base     Lib:Object

 0001:00000000       WinMain                    00011000 f   panel.obj
 0001:00000080       ?draw@Gauge@@QAAXH@Z       00011080 f   gauge.obj
 0001:000000c0       ?paint@Panel@@QAAXXZ       000110c0 f   panel.obj
 0002:00000000       ?title@@3PAGA              00012000     panel.obj

 entry point at        0001:00000000

Line numbers for gauge.obj(d:\panel\gauge.cpp) segment .text

    41 0001:00000080    42 0001:00000084    43 0001:00000094    44 0001:000000b8

Line numbers for panel.obj(d:\panel\panel.cpp) segment .text

    18 0001:00000000    21 0001:0000000c    77 0001:000000c0    78 0001:000000cc
    79 0001:000000d4
";

/// The map of the program in the dump.
const SCALE_MAP: &str = r" scale

 Timestamp is 43d17f00 (Sat Jan 21 00:23:28 2006)

 Preferred load address is 00010000

 Start         Length     Name                   Class
 0001:00000000 0000004cH .text                   CODE
 0002:00000000 00000018H .pdata                  DATA
 0003:00000000 00000100H .data                   DATA

  Address         Publics by Value              Rva+Base     Lib:Object

 0001:00000000       main                       00011000 f   scale.obj
 0001:0000001c       weigh                      0001101c f   scale.obj
 0001:0000003c       start                      0001103c f   scale.obj
 0003:00000000       label                      00013000     scale.obj
 0003:00000028       weight                     00013028     scale.obj

 entry point at        0001:0000003c

Line numbers for scale.obj(c:\scale\scale.c) segment .text

    12 0001:00000000    14 0001:0000000c    15 0001:00000010    21 0001:0000001c
    23 0001:00000028    24 0001:00000030    30 0001:0000003c    31 0001:00000044
";

/// What the device of `nk.bin` prints if it is too old to print modules.
const BOOT: &str = "\
OEMInit: clock 400 MHz
Data Abort: Thread=83ad1d38 Proc=820266d0 'shop.exe'
AKY=00000009 PC=03f61104 RA=00011060 BVA=0800000c FSR=00000007
usb: port 1
";

const TOOL: &str = "\
Data Abort: Thread=83f52c00 Proc=80a3c9a0 'tool.exe'
AKY=00000021 PC=0001104c(tool.exe+0x0000104c) RA=00011010(tool.exe+0x00001010) BVA=0c000004 FSR=00000007
";

/// A map without line numbers.
const TOOL_MAP: &str = r" tool

 Timestamp is 44a5d3e0 (Sat Jul  1 01:46:08 2006)

 Preferred load address is 00010000

 Start         Length     Name                   Class
 0001:00000000 00000060H .text                   CODE

  Address         Publics by Value              Rva+Base     Lib:Object

 0001:00000000       WinMain                    00011000 f   tool.obj
 0001:00000040       average                    00011040 f   average.obj
 0001:00000060       WinMainCRTStartup          00011060 f   corelibc:pegwmain.obj

 entry point at        0001:00000060
";

/// What `cl /FAcs` writes beside the object file.
const TOOL_LISTING: &str = "; Listing generated by Microsoft (R) Optimizing Compiler Version 14.00.50727.42\r
\r
\tTTL\td:\\tool\\average.c\r
\tAREA\t|.text|, CODE, ARM\r
\r
  00000\t\t\t |average| PROC\r
\r
; 7    : {\r
\r
  00000\te1a02001\t mov         r2, r1\r
  00004\te3a03000\t mov         r3, #0\r
\r
; 9    :   while (link)\r
\r
  00008\tea000002\t b           |$LN2@average|\r
\r
; 11   :     sum += link->value;\r
\r
  0000c\te5901004\t ldr         r1, [r0, #4]\r
  00010\te0833001\t add         r3, r3, r1\r
\r
; 12   :     link = link->next;\r
\r
  00014\te5900000\t ldr         r0, [r0]\r
\r
; 14   :   return sum;\r
\r
  00018\te1a00003\t mov         r0, r3\r
  0001c\te12fff1e\t bx          lr\r
\r
\t\t\t ENDP  ; |average|\r
";

/// CE 6: wrapped at the width of a terminal, with the ticks and ids that a debugger puts in front.
const CE_6: &str = "\
Booting Windows CE version 6.00 for (ARM)
 1200 PID:400002 TID:40a0006 Exception 'Data Abort' (4): Thread-Id=040a0006(pth=83a00010), Proc-Id=00400002(pprc=81d48308) 'NK.EXE', VM-active=00fa000a(pprc=83a20ecc) 'panel.exe'
 1200 PID:400002 TID:40a0006 PC=c0701084(driver.dll+0x00001084) RA=c07010d0(driver.dll+0x000010d0) SP=d2e8fc58, BVA=00000004
URtlDispatchException: returning failure. Flags=0
";

const DRIVER_MAP: &str = r" driver

 Timestamp is 48e1a2b0 (Tue Sep 30 03:53:20 2008)

 Preferred load address is 10000000

 Start         Length     Name                   Class
 0001:00000000 00000100H .text                   CODE

  Address         Publics by Value              Rva+Base     Lib:Object

 0001:00000000       DRV_Init                   10001000 f   driver.obj
 0001:00000080       ReadSample                 10001080 f   sample.obj
 0001:000000c0       DRV_Read                   100010c0 f   driver.obj

 entry point at        0001:00000000

Line numbers for sample.obj(d:\driver\sample.c) segment .text

    55 0001:00000080    57 0001:00000084    58 0001:00000090

Line numbers for driver.obj(d:\driver\driver.c) segment .text

    31 0001:000000c0    33 0001:000000cc    34 0001:000000d0
";

/// A memory listing of Target Control (`mi`), and a crash that names no process of its own slot.
const MEMORY: &str = "\
Page size=4096, 3000 total pages, 1200 free pages.
Memory usage for Process 80a3c8b0: 'panel.exe' pid 3
Slot base 08000000  Section ptr 81fe2000
Page summary: code=40(0) data r/o=12 r/w=31 stack=5 reserved=210
Memory usage for Process 80a3c9a0: 'tool.exe' pid 5
Slot base 0c000000  Section ptr 81fe4000
Page summary: code=76(0) data r/o=23 r/w=13 stack=3 reserved=125
Data Abort: Thread=83f52c00 Proc=80a3c9a0 'tool.exe'
AKY=00000021 PC=0001104c(tool.exe+0x0000104c) RA=00011010(tool.exe+0x00001010) BVA=08030010 FSR=0000000d
";

/// What a terminal shows: remarks first, then the answer; of `cat` the file.
fn answer(folder: &Path, command: &str) -> String {
    if let Some(name) = command.strip_prefix("cat ") {
        return std::fs::read_to_string(folder.join(name)).expect("the file that is shown").replace('\r', "");
    }
    let output = vatlas(folder, command.strip_prefix("vatlas ").expect("a command of the program"));
    let code = output.status.code().expect("an exit code");
    assert!([0, 3, 4].contains(&code), "{command}: exit {code}\n{}", stderr(&output));
    stderr(&output) + &stdout(&output)
}

/// The page with every answer made again.
fn again(text: &str) -> String {
    let folder = kitchen();
    let mut result = String::new();
    let mut is_console = false;
    for line in text.lines() {
        if line == "```console" {
            is_console = true;
        } else if line == "```" {
            is_console = false;
        }
        match line.strip_prefix("$ ").filter(|_| is_console) {
            Some(command) => result += &format!("{line}\n{}", answer(folder.path(), command)),
            None if is_console && line != "```console" => {}
            None => result += &format!("{line}\n"),
        }
    }
    result
}

#[test]
fn every_recipe_is_true() {
    let expected = std::fs::read_to_string(page()).expect("docs/ce-cookbook.md");
    let commands = expected.lines().filter(|line| line.starts_with("$ vatlas ")).count();
    assert!(commands >= 8, "{commands} commands");
    let found = again(&expected);
    if std::env::var_os("VATLAS_BLESS").is_some() {
        std::fs::write(page(), found).expect("a written page");
        return;
    }
    let differing = expected.lines().zip(found.lines()).enumerate().find(|(_, (expected, found))| expected != found);
    if let Some((number, (expected, found))) = differing {
        panic!("line {}:\nexpected {expected}\nfound    {found}\n(VATLAS_BLESS=1 writes it anew)", number + 1);
    }
    assert_eq!(expected, found);
}

#[test]
fn every_recipe_ends_at_a_line_of_code() {
    let text = std::fs::read_to_string(page()).expect("docs/ce-cookbook.md");
    for (recipe, line) in [
        ("## 1", "gauge.cpp:42"),
        ("## 2", "scale.c:23"),
        ("## 3", "AddItem"),
        ("## 4", "average.c:11"),
        ("## 5", "sample.c:57"),
    ] {
        let section = text.split("\n## ").map(|part| format!("## {part}")).find(|part| part.starts_with(recipe));
        assert!(section.is_some_and(|section| section.contains(line)), "{recipe}: {line}");
    }
}
