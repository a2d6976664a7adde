# A profile that sets up hails: its bin/activate brings the units hail-NAME.service of a host in line with a set
# of services, each of which keeps the Nix profile hail-profiles/NAME at the latest build of a Hydra job.
#
# One of the services is usually the manager: its job builds this very profile, so that changing the set in
# Hydra changes the set on the host. docs/systemd.md has the whole story, step by step.
#
#   import ./hail-systemd-bootstrap.nix { inherit hail; inherit (pkgs) nix bash coreutils systemd; } {
#     services = {
#       manager = "https://hydra.example.org/job/infra/main/hail-services";
#       web = {
#         jobUri = "https://hydra.example.org/job/shop/main/web";
#         netrcFile = "/etc/hail/netrc";
#         pollPeriod = "30s";
#       };
#     };
#   }
#
# It needs nothing from nixpkgs but what it is given. These work as well:
#
#   import ./hail-systemd-bootstrap.nix (pkgs // { inherit hail; })
#   pkgs.callPackage ./hail-systemd-bootstrap.nix { inherit hail; }

{
  # The package of hail: anything that has bin/hail, or the folder that the executable itself lies in.
  hail ? null,
  # Packages, or folders of the host such as "/usr": what is used of them lies in their bin.
  nix,
  bash,
  coreutils,
  systemd,
  ...
}:

{
  # By name, either the URI of a Hydra job or a set:
  #   jobUri         the URI of the job
  #   netrcFile      where the login and password for Hydra stand, a string [hail's default: /etc/netrc]
  #   pollPeriod     minutes, or a time such as "30s" [hail's default: 5 minutes]
  #   extraFlags     further options of hail, a list of strings [none]
  #   serviceConfig  settings of the unit's section Service, which replace ours; null takes one out, and
  #                  Environment is added to ours [none]
  services,
  # The target that starts the hails at boot.
  target ? "multi-user",
  # Whose units these are. Two profiles on one host need two namespaces.
  namespace ? "hail-systemd-bootstrap",
  # Where the units are written. It must be one of systemd's folders and can be written.
  unitFolder ? "/etc/systemd/system",
  system ? bash.system or builtins.currentSystem,
}:

let
  inherit (builtins)
    attrNames concatLists concatStringsSep elem elemAt filter foldl' fromJSON genList hasContext head isAttrs
    isBool isFloat isInt isList isPath isString length listToAttrs map match pathExists placeholder
    replaceStrings split storeDir stringLength substring toString typeOf;

  fail = message: throw "hail-systemd-bootstrap: ${message}";

  # ---------------------------------------------------------------- what names and values may look like

  # lib/systemd/unit_name.ts has the same rule.
  namePattern = "[A-Za-z0-9][A-Za-z0-9_.-]*";
  nameLimit = 200;
  isName =
    text:
    isString text && stringLength text <= nameLimit && match namePattern text != null
    && match ".*\\.\\..*" text == null;
  checkName =
    kind: text:
    if isName text then
      text
    else
      fail (
        "${kind} ${show text} is not a name of at most ${toString nameLimit} letters, digits and '_.-' "
        + "that starts with a letter or digit and has no '..'"
      );

  show = value: if isString value then "'${substring 0 300 value}'" else "(a ${typeOf value})";
  isPlain = text: isString text && stringLength text <= 8192 && match "[^[:cntrl:]]*" text != null;

  isBelow = folder: path: substring 0 (stringLength folder + 1) path == "${folder}/";

  # A URI that hail refuses would make a unit that never starts, so the rules are those of lib/hydra/job_uri.ts;
  # only that numbers make an IP address is left to hail.
  hostPattern = "\\[[0-9A-Fa-f:.]+]|[0-9A-Za-z_-]+(\\.[0-9A-Za-z_-]+)*\\.?";
  portPattern = "0{0,4}[1-9]|0{0,3}[1-9][0-9]|0{0,2}[1-9][0-9]{2}|0?[1-9][0-9]{3}|[1-5][0-9]{4}"
    + "|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]";
  segmentPattern = "([0-9A-Za-z._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})+";
  jobPattern = "[Hh][Tt][Tt][Pp][Ss]?://(${hostPattern})(:(${portPattern}))?(/${segmentPattern})*"
    + "/job/${segmentPattern}/${segmentPattern}/${segmentPattern}";
  # What ends like a selector is one, also where that leaves no job in front of it.
  withoutSelector =
    text:
    let
      latest = match "(.*)/(latest|latest-finished)/?" text;
      latestFor = match "(.*)/latest-for/${segmentPattern}/?" text;
      neither = match "(.*[^/])/?" text;
    in
    if latest != null then
      head latest
    else if latestFor != null then
      head latestFor
    else if neither != null then
      head neither
    else
      "";
  hasDotSegment = text: match ".*/([.]|%2[Ee]){1,2}(/.*)?" text != null;
  hasControl = text: match ".*%([01][0-9A-Fa-f]|7[Ff]).*" text != null;
  isJobUri =
    text:
    isString text && stringLength text <= 4096 && match jobPattern (withoutSelector text) != null
    && !hasDotSegment text && !hasControl text;

  hasAt = text: isString text && match "[^@]*" text == null;

  # A number, or numbers with a unit each, the longer unit first; the last may have a fraction.
  durationPattern = concatStringsSep "|" [
    "[0-9]+(\\.[0-9]+)?"
    "([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+(\\.[0-9]+)?ms)?"
    "([0-9]+d)?([0-9]+h)?([0-9]+m)?[0-9]+(\\.[0-9]+)?s"
    "([0-9]+d)?([0-9]+h)?[0-9]+(\\.[0-9]+)?m"
    "([0-9]+d)?[0-9]+(\\.[0-9]+)?h"
    "[0-9]+(\\.[0-9]+)?d"
  ];
  unitMilliseconds = { d = 86400000; h = 3600000; m = 60000; s = 1000; ms = 1; };
  shortest = 1000;
  longest = 7 * unitMilliseconds.d;
  # From 1 second to 7 days, as in lib/time/period.ts.
  isDuration =
    text:
    let
      spelt = if match "[0-9.]*" text != null then "${text}m" else text;
      # Numbers at even places, a list with the unit at odd ones.
      parts = split "([a-z]+)" spelt;
      term =
        index:
        let
          # JSON has no leading zeros. More digits are beyond the longest, whatever the unit.
          number = match "0*((0|[1-9][0-9]{0,9})(\\.[0-9]+)?)" (elemAt parts (2 * index));
        in
        if number == null then
          longest + 1
        else
          fromJSON (head number) * unitMilliseconds.${head (elemAt parts (2 * index + 1))};
      sum = foldl' (total: index: total + term index) 0 (genList (index: index) (length parts / 2));
    in
    match durationPattern text != null && sum >= shortest && sum <= longest;

  # ---------------------------------------------------------------- the programs

  tool =
    name: value:
    let
      path = "${value}";
    in
    if match "/[A-Za-z0-9+._?=@/-]*" path != null then
      path
    else
      fail "${name} ${show path} is neither a package nor the absolute path of a folder";
  tools = {
    nix = tool "nix" nix;
    bash = tool "bash" bash;
    coreutils = tool "coreutils" coreutils;
    systemd = tool "systemd" systemd;
  };

  hailProgram =
    if hail == null then
      fail (
        "'hail' is missing: pass the package of hail, or the path of the folder that its executable lies in, "
        + "for example: import ./hail-systemd-bootstrap.nix { hail = ./dist; nix = pkgs.nix; ... }"
      )
    else
      let
        folder = tool "hail" hail;
        # Only a folder can be looked into now: a package is not built yet.
        isBare = isPath hail || (isString hail && !hasContext hail);
        here = if isPath hail then hail else folder;
      in
      if isBare && !pathExists (here + "/bin/hail") && pathExists (here + "/hail") then
        "${folder}/hail"
      else
        "${folder}/bin/hail";

  # bin/activate of a service may need more than hail does, so the host's own folders come last.
  searchPath = concatStringsSep ":" (
    unique (
      map (folder: "${folder}/bin") (with tools; [ nix coreutils systemd bash "/run/current-system/sw" ])
      ++ [ "/usr/local/sbin" "/usr/local/bin" "/usr/sbin" "/usr/bin" "/sbin" "/bin" ]
    )
  );
  unique = foldl' (seen: item: if elem item seen then seen else seen ++ [ item ]) [ ];

  # ---------------------------------------------------------------- one service

  serviceKeys = [ "jobUri" "netrcFile" "pollPeriod" "extraFlags" "serviceConfig" ];

  # The options that have a key of their own, or that end hail at once, which Restart= would make a loop.
  ownFlags = [ "--profile" "--job-uri" "--netrc-file" "--poll-period" "--oneshot" "--help" "--version" ];

  parseService =
    name: given:
    let
      what = "service '${name}'";
      set =
        if isString given then
          { jobUri = given; }
        else if isAttrs given then
          given
        else
          fail "${what}: ${show given} is neither the URI of a job nor a set with a jobUri";
      unknown = filter (key: !elem key serviceKeys) (attrNames set);
      jobUri = set.jobUri or (fail "${what} has no jobUri");
      netrcFile = set.netrcFile or null;
      pollPeriod = set.pollPeriod or null;
      extraFlags = set.extraFlags or [ ];
      period = if isInt pollPeriod || isFloat pollPeriod then toString pollPeriod else pollPeriod;
      ownFlag = flag: elem (head (match "([^=]*)(=.*)?" flag)) ownFlags;
    in
    if !isName name then
      checkName "service" name
    else if unknown != [ ] then
      fail "${what} has the unknown key '${head unknown}'; it may have ${concatStringsSep ", " serviceKeys}"
    else if !isJobUri jobUri then
      fail (
        # What looks like a password is not shown.
        "${what}: jobUri ${if hasAt jobUri then "(with an '@')" else show jobUri} "
        + "is not http(s)://HOST/job/PROJECT/JOBSET/JOB, alone or with /latest, /latest-finished or "
        + "/latest-for/SYSTEM behind it; a user and password belong in the netrcFile"
      )
    else if isPath netrcFile then
      fail (
        "${what}: netrcFile is a path, so the password would be copied into the store, where everybody can "
        + "read it; write it as a string: \"${toString netrcFile}\""
      )
    else if netrcFile != null && !(isPlain netrcFile && match "/.*" netrcFile != null) then
      fail "${what}: netrcFile ${show netrcFile} is not the absolute path of a file"
    else if netrcFile != null && (hasContext netrcFile || isBelow storeDir netrcFile) then
      fail "${what}: netrcFile lies in the store, where everybody can read it"
    else if pollPeriod != null && !(isPlain period && isDuration period) then
      fail (
        "${what}: pollPeriod ${show period} is neither a number of minutes nor a time such as \"30s\", "
        + "from 1s to 7d"
      )
    else if !isList extraFlags || filter (flag: !isPlain flag) extraFlags != [ ] then
      fail "${what}: extraFlags is not a list of strings without control characters"
    else if filter ownFlag extraFlags != [ ] then
      fail (
        "${what}: extraFlags has ${show (head (filter ownFlag extraFlags))}, which cannot stand there; "
        + "use the keys of the service"
      )
    else
      {
        inherit name what;
        flags =
          [ "--profile" "hail-profiles/${name}" "--job-uri" jobUri ]
          ++ (if netrcFile == null then [ ] else [ "--netrc-file" netrcFile ])
          ++ (if pollPeriod == null then [ ] else [ "--poll-period" period ])
          ++ extraFlags;
        serviceConfig =
          if isAttrs (set.serviceConfig or { }) then
            set.serviceConfig or { }
          else
            fail "${what}: serviceConfig is not a set";
      };

  # ---------------------------------------------------------------- its unit

  # One argument of ExecStart= that reaches the program as it is: the quotes keep spaces together, and within
  # them systemd still looks for backslashes, %-specifiers and $VARIABLES (systemd.service(5), COMMAND LINES).
  quote = text: "\"${replaceStrings [ "\\" "\"" "%" "$" ] [ "\\\\" "\\\"" "%%" "$$" ] text}\"";

  setting = name: value: { inherit name value; };

  # docs/systemd.md says why each of them is as it is.
  serviceSettings = name: flags: [
    (setting "Type" "notify")
    (setting "NotifyAccess" "main")
    (setting "ExecStart" (concatStringsSep " " (map quote ([ hailProgram ] ++ flags))))
    (setting "ExecReload" "${tools.bash}/bin/bash -c \"kill -HUP $MAINPID\"")
    (setting "Environment" "\"PATH=${searchPath}\"")
    (setting "Restart" "always")
    (setting "RestartSec" "10s")
    (setting "WatchdogSec" "2min")
    (setting "TimeoutStopSec" "90s")
    (setting "TimeoutAbortSec" "30s")
    (setting "KillMode" "mixed")
    (setting "OOMPolicy" "continue")
    (setting "UMask" "0022")
    (setting "LimitCORE" "0:infinity")
    (setting "LockPersonality" "yes")
    (setting "RestrictRealtime" "yes")
  ];

  fixedSettings = [ "Type" "NotifyAccess" "ExecStart" ];

  overrides =
    what: config:
    let
      one =
        name:
        let
          value = config.${name};
          text =
            single:
            if isBool single then
              (if single then "yes" else "no")
            else if isInt single then
              toString single
            else if isPlain single && match ".*\\\\" single == null then
              single
            else
              fail (
                "${what}: serviceConfig.${name} is not a string in one line, a number, true, false, null, "
                + "or a list of these"
              );
        in
        if match "[A-Z][A-Za-z0-9]*" name == null then
          fail "${what}: serviceConfig has '${name}', which is no setting of a unit"
        else if elem name fixedSettings then
          fail "${what}: serviceConfig.${name} cannot be changed: hail depends on it"
        else if value == null then
          [ ]
        else
          map (single: setting name (text single)) (if isList value then value else [ value ]);
    in
    concatLists (map one (attrNames config));

  unitText =
    { name, what, flags, serviceConfig }:
    let
      changed = overrides what serviceConfig;
      isReplaced = key: key != "Environment" || serviceConfig.Environment == null;
      replaced = filter isReplaced (attrNames serviceConfig);
      kept = filter (entry: !elem entry.name replaced) (serviceSettings name flags);
      lines = map (entry: "${entry.name}=${entry.value}") (kept ++ changed);
    in
    ''
      # Written by hail, and written again when it changes. For a setting of this host alone use a drop-in.
      [Unit]
      Description=hail: keeps the profile hail-profiles/${name} at the latest build of its job
      Wants=network-online.target
      After=network-online.target nix-daemon.socket
      RequiresMountsFor=/var/lib/hail
      StartLimitIntervalSec=0
      CollectMode=inactive-or-failed

      [Service]
      ${concatStringsSep "\n" lines}

      [X-Hail]
      Namespace=${owner}
    '';

  # ---------------------------------------------------------------- the profile

  shellQuote = text: "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";

  owner = checkName "namespace" namespace;

  targetName =
    let
      stem = if isString target then match "(.*)\\.target" target else null;
    in
    checkName "target" (if stem == null then target else head stem);

  checkedFolder =
    if
      isPlain unitFolder && match "(/[A-Za-z0-9_+.@:-]+)+" unitFolder != null
      && match ".*/\\.\\.?(/.*)?" unitFolder == null
    then
      unitFolder
    else
      fail (
        "unitFolder ${show unitFolder} is not the absolute path of a folder, written with letters, digits and "
        + "'_+.@:-' only"
      );

  out = placeholder "out";

  # The caller may be a hail that this replaces, so the work is done outside of the caller's unit: systemd runs
  # it, and goes on with it if the caller ends.
  activateText = ''
    #!${tools.bash}/bin/bash
    # Brings the units of the namespace ${owner} in line with this profile.
    set -eu
    if [ "$EUID" != 0 ]; then
      echo "activate: units of the system are set up by root: run this as root" >&2
      exit 1
    fi
    # The manager, which waits for this, comes last; its activations are units of their own, so it says who it is.
    caller=''${HAIL_INVOCATION_ID:-''${INVOCATION_ID:-}}
    read -r id </proc/sys/kernel/random/uuid
    exec ${tools.systemd}/bin/systemd-run --quiet --wait --pipe --collect \
      --unit="apply-hail-units-$id" \
      --description=${shellQuote "hail: brings the units of namespace ${owner} in line"} \
      --property=Type=exec --property=RuntimeMaxSec=20min \
      --setenv=PATH=${shellQuote searchPath} \
      -- ${out}/bin/hail apply-units \
      --namespace ${shellQuote owner} \
      --units ${out}/share/hail/units \
      --target ${shellQuote targetName} \
      --unit-folder ${shellQuote checkedFolder} \
      ''${caller:+--caller-invocation "$caller"} </dev/null
  '';

  buildScript = ''
    set -euo pipefail
    case $hailProgram in
    "$NIX_STORE"/*)
      if [ ! -x "$hailProgram" ]; then
        echo "hail-systemd-bootstrap: there is no program $hailProgram: 'hail' is not a package of hail" >&2
        exit 1
      fi
      ;;
    esac
    mkdir -p "$out/bin" "$out/share/hail/units"
    ln -s "$hailProgram" "$out/bin/hail"
    cp "$activatePath" "$out/bin/activate"
    chmod 555 "$out/bin/activate"
    index=0
    for service in $serviceNames; do
      file=unit''${index}Path
      cp "''${!file}" "$out/share/hail/units/hail-$service.service"
      index=$((index + 1))
    done
  '';

  parsed =
    if isAttrs services then
      map (name: parseService name services.${name}) (attrNames services)
    else
      fail "services ${show services} is not a set of services by name";

  units = genList (index: {
    name = "unit${toString index}";
    value = unitText (elemAt parsed index);
  }) (length parsed);
in
derivation (
  listToAttrs units
  // {
    name = "hail-systemd-bootstrap";
    inherit system hailProgram;
    builder = "${tools.bash}/bin/bash";
    args = [ "-c" buildScript ];
    PATH = "${tools.coreutils}/bin";
    # Units may be many, and the environment of a process is limited.
    passAsFile = [ "activate" ] ++ map (unit: unit.name) units;
    activate = activateText;
    serviceNames = map (service: service.name) parsed;
    preferLocalBuild = true;
  }
)
