# A profile that sets up hails: its bin/activate brings the units hail-NAME.service of a host in line with a set
# of services, each of which keeps the Nix profile hail-profiles/NAME at the latest build of a Hydra job. With
# `agent = true` one hail keeps them all: the unit hail.service.
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
  #   and so on: every option of hail about a service, written like these; healthCheck and gate are lists
  #   after, onRemoval, renamedFrom
  #                  as docs/configuration.md has them; only with agent
  #   extraFlags     further options of hail, a list of strings; only without agent [none]
  #   serviceConfig  settings of the unit's section Service, which replace ours; null takes one out, and
  #                  Environment is added to ours; only without agent [none]
  services,
  # Whether one hail keeps all services, instead of one each. Instead of true a set may say more: what stands at
  # the top of an agent's configuration (maxActivations, logLevel, what holds for all services, ...), and
  # serviceConfig.
  agent ? false,
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
    attrNames concatLists concatMap concatStringsSep elem elemAt filter foldl' fromJSON genList hasAttr hasContext
    head isAttrs isBool isFloat isInt isList isPath isString length listToAttrs map match pathExists
    placeholder removeAttrs replaceStrings split storeDir stringLength substring toJSON toString typeOf;

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

  # ---------------------------------------------------------------- the options of hail

  # lib/settings/table.ts has them all, with hyphens; a test keeps the two the same.
  #   form   text: a string or a number; flag: true or false; list: a list of strings, or one
  #   numbers whether a list may have numbers in it, too
  #   check  what a text has to be, so that a mistake is told before it is on a host
  #   wrong  what is said of one that is not
  text = wrong: check: { form = "text"; inherit check wrong; };
  anyText = text "not a string in one line" (value: true);
  duration = text "neither a number of minutes nor a time such as \"30s\", from 1s to 7d" isDuration;
  oneOf = choices: text "not one of ${concatStringsSep ", " choices}" (value: elem value choices);
  count = text "not a number from 1 on" (value: match "[1-9][0-9]{0,5}" value != null);
  flag = { form = "flag"; };
  list = { form = "list"; };
  statuses = list // { numbers = true; };

  # What may be said of a service, and of all.
  sharedOptions = {
    netrcFile = anyText;
    pollPeriod = duration;
    hostNumberFile = anyText;
    onManualChange = oneOf [ "respect" "hold" "ignore" ];
    refuseDowngrade = flag;
    activationRunner = oneOf [ "auto" "unit" "child" ];
    gate = list;
    activationDegradedStatus = statuses;
    healthCheck = list;
    soakTime = anyText;
    confirmHydra = flag;
    requestTimeout = duration;
    realiseTimeout = duration;
    activationTimeout = duration;
    healthTimeout = duration;
    confirmTimeout = duration;
    keepGenerations = count;
    keepDays = count;
  };
  # Only where an agent keeps it.
  keptOptions = {
    after = list;
    onRemoval = oneOf [ "keep" "deactivate" "purge" ];
    renamedFrom = anyText;
  };
  # Of the agent itself.
  agentOptions = {
    stateDir = anyText;
    maxRealisations = count;
    maxActivations = count;
    wakeListen = anyText;
    wakeSecretFile = anyText;
    logLevel = oneOf [ "debug" "info" "warning" "error" ];
    logFormat = oneOf [ "text" "json" ];
  };
  # Files of the host, and why they must not lie in the store.
  hostFiles = {
    netrcFile = "where everybody can read it";
    wakeSecretFile = "where everybody can read it";
    hostNumberFile = "where it is the same for every host";
  };

  # job-uri for jobUri.
  hyphenated =
    key:
    concatStringsSep "" (
      map (part: if isString part then part else "-${lowered (head part)}") (split "([A-Z])" key)
    );
  lowered =
    letter:
    let
      index = head (filter (at: substring at 1 "ABCDEFGHIJKLMNOPQRSTUVWXYZ" == letter) (genList (at: at) 26));
    in
    substring index 1 "abcdefghijklmnopqrstuvwxyz";

  # The value of an option as hail takes it: a string, true or false, or a list of strings.
  optionValue =
    what: key: { form, check ? null, wrong ? null, numbers ? false }: given:
    let
      text = value: if isInt value || isFloat value then toString value else value;
      written = text given;
      fits = isPlain written && check written;
      strings = if !isList given then [ written ] else if numbers then map text given else given;
    in
    if hasAttr key hostFiles && isPath given then
      fail (
        "${what}: ${key} is a path, so the file would be copied into the store, ${hostFiles.${key}}; "
        + "write it as a string: \"${toString given}\""
      )
    else if hasAttr key hostFiles && !(isPlain given && match "/.*" given != null) then
      fail "${what}: ${key} ${show given} is not the absolute path of a file"
    else if hasAttr key hostFiles && (hasContext given || isBelow storeDir given) then
      fail "${what}: ${key} lies in the store, ${hostFiles.${key}}"
    else if form == "flag" then
      if isBool given then given else fail "${what}: ${key} ${show given} is neither true nor false"
    else if form == "list" then
      if filter (string: !isPlain string) strings == [ ] then
        strings
      else
        fail "${what}: ${key} is not a list of strings without control characters"
    else if fits then
      written
    else
      fail "${what}: ${key} ${show written} is ${wrong}";

  # Those of `options` that a set has, as a set by hyphenated name.
  optionValues =
    what: options: set:
    listToAttrs (
      map (key: { name = hyphenated key; value = optionValue what key options.${key} set.${key}; }) (
        filter (key: set.${key} or null != null) (attrNames options)
      )
    );

  # The same as words of the command line.
  words =
    values:
    concatMap (
      key:
      let
        value = values.${key};
      in
      if isBool value then
        (if value then [ "--${key}" ] else [ ])
      else
        concatMap (one: [ "--${key}" one ]) (if isList value then value else [ value ])
    ) (attrNames values);

  # ---------------------------------------------------------------- one service

  isAgent =
    if isBool agent then
      agent
    else if isAttrs agent then
      true
    else
      fail "agent ${show agent} is neither true, false, nor a set of an agent's settings";

  serviceKeys =
    [ "jobUri" ] ++ attrNames sharedOptions
    ++ (if isAgent then attrNames keptOptions else [ "extraFlags" "serviceConfig" ]);

  # The options that have a key of their own, or that end hail at once, which Restart= would make a loop.
  ownFlags =
    [ "--profile" "--job-uri" "--oneshot" "--help" "--version" ]
    ++ map (key: "--${hyphenated key}") [ "netrcFile" "pollPeriod" ];

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
      misplaced = filter (key: hasAttr key keptOptions || elem key [ "extraFlags" "serviceConfig" ]) unknown;
      jobUri = set.jobUri or (fail "${what} has no jobUri");
      extraFlags = set.extraFlags or [ ];
      ownFlag = flag: elem (head (match "([^=]*)(=.*)?" flag)) ownFlags;
    in
    if !isName name then
      checkName "service" name
    else if isAgent && stringLength name > 100 then
      fail "${what}: with agent a name has at most 100 characters"
    else if misplaced != [ ] && isAgent then
      fail (
        "${what}: ${head misplaced} is for a service whose hail has a unit of its own; with agent write options "
        + "as keys of the service, and serviceConfig in agent"
      )
    else if misplaced != [ ] then
      fail "${what}: ${head misplaced} takes an agent that knows all services: agent = true"
    else if unknown != [ ] then
      fail "${what} has the unknown key '${head unknown}'; it may have ${concatStringsSep ", " serviceKeys}"
    else if !isJobUri jobUri then
      fail (
        # What looks like a password is not shown.
        "${what}: jobUri ${if hasAt jobUri then "(with an '@')" else show jobUri} "
        + "is not http(s)://HOST/job/PROJECT/JOBSET/JOB, alone or with /latest, /latest-finished or "
        + "/latest-for/SYSTEM behind it; a user and password belong in the netrcFile"
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
        options =
          { profile = "hail-profiles/${name}"; job-uri = jobUri; }
          // optionValues what (sharedOptions // keptOptions) set;
        inherit extraFlags;
        serviceConfig = checkServiceConfig what (set.serviceConfig or { });
      };

  checkServiceConfig =
    what: config: if isAttrs config then config else fail "${what}: serviceConfig is not a set";

  # ---------------------------------------------------------------- the agent's configuration

  agentSet =
    let
      set = if isAttrs agent then agent else { };
      keys = attrNames (sharedOptions // agentOptions) ++ [ "onRemoval" "serviceConfig" ];
      unknown = filter (key: !elem key keys) (attrNames set);
    in
    if unknown == [ ] then
      set
    else
      fail "agent has the unknown key '${head unknown}'; it may have ${concatStringsSep ", " keys}";

  configuration =
    let
      top = optionValues "agent" (sharedOptions // agentOptions // { inherit (keptOptions) onRemoval; }) agentSet;
    in
    toJSON (
      top
      // {
        services = listToAttrs (map (service: { inherit (service) name; value = service.options; }) parsed);
      }
    );

  # ---------------------------------------------------------------- its unit

  # One argument of ExecStart= that reaches the program as it is: the quotes keep spaces together, and within
  # them systemd still looks for backslashes, %-specifiers and $VARIABLES (systemd.service(5), COMMAND LINES).
  quote = text: "\"${replaceStrings [ "\\" "\"" "%" "$" ] [ "\\\\" "\\\"" "%%" "$$" ] text}\"";

  setting = name: value: { inherit name value; };

  # docs/systemd.md says why each of them is as it is.
  serviceSettings = command: [
    (setting "Type" "notify")
    (setting "NotifyAccess" "main")
    (setting "ExecStart" (concatStringsSep " " (map quote command)))
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

  # The section X-Hail is ignored by systemd. Whose unit it is stands there; and what it names besides, of which a
  # change makes `hail apply-units` reload the unit instead of restarting it.
  unitText =
    { what, description, command, serviceConfig, after ? [ ], program ? null, own ? [ ] }:
    let
      changed = overrides what serviceConfig;
      isReplaced = key: key != "Environment" || serviceConfig.Environment == null;
      replaced = filter isReplaced (attrNames serviceConfig);
      # An agent has a file open for each of its services, and 1,024 is what systemd allows otherwise.
      ours = serviceSettings command
        ++ (if program == null then [ ] else [ (setting "LimitNOFILE" "16384:524288") ]);
      kept = filter (entry: !elem entry.name replaced) ours;
      lines = map (entry: "${entry.name}=${entry.value}") (kept ++ changed);
    in
    concatStringsSep "\n" (
      [
        "# Written by hail, and written again when it changes. For a setting of this host alone use a drop-in."
        "[Unit]"
        "Description=hail: ${description}"
        "Wants=network-online.target"
        "After=${concatStringsSep " " ([ "network-online.target" "nix-daemon.socket" ] ++ after)}"
        "RequiresMountsFor=/var/lib/hail"
        "StartLimitIntervalSec=0"
        "CollectMode=inactive-or-failed"
      ]
      ++ (if program == null then [ ] else [ "X-Hail-Program=${program}" ])
      ++ [ "" "[Service]" ] ++ lines
      ++ [ "" "[X-Hail]" "Namespace=${owner}" ] ++ own ++ [ "" ]
    );

  serviceUnit =
    { name, what, options, extraFlags, serviceConfig }:
    {
      file = "hail-${name}.service";
      text = unitText {
        inherit what serviceConfig;
        description = "keeps the profile hail-profiles/${name} at the latest build of its job";
        command =
          [ hailProgram "--profile" options.profile "--job-uri" options.job-uri ]
          ++ words (removeAttrs options [ "profile" "job-uri" ]) ++ extraFlags;
        # Where the services come from an agent, it has to let go of them first.
        after = [ "hail.service" ];
      };
    };

  # A link that `hail apply-units` lets lead to this build; lib/systemd/unit_name.ts has the same path. By way of it
  # an agent always starts with the configuration that was made for it, and the text of its unit stays the same
  # when only the configuration changes.
  agentBuild = "/nix/var/nix/gcroots/hail-agent";

  agentUnit = {
    file = "hail.service";
    text = unitText {
      what = "agent";
      description = "keeps the profiles of its configuration at the latest builds of their jobs";
      command = [ "${agentBuild}/bin/hail" "agent" "--config" "${agentBuild}/etc/hail/agent.json" ];
      serviceConfig = checkServiceConfig "agent" (agentSet.serviceConfig or { });
      program = hailProgram;
      own = [ "Build=${out}" ] ++ map (service: "Keeps=${service.name}") parsed;
    };
  };

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

  # What the agent would refuse is better known before anything is changed.
  agentChecks = ''
    if ! said=$(${out}/bin/hail config check --config ${out}/etc/hail/agent.json 2>&1); then
      echo "$said" >&2
      exit 1
    fi
  '';

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
    ${if hasAgentUnit then agentChecks else ""}
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
    for file in $unitFiles; do
      unit=unit''${index}Path
      cp "''${!unit}" "$out/share/hail/units/$file"
      index=$((index + 1))
    done
    if [ -n "''${configurationPath:-}" ]; then
      mkdir -p "$out/etc/hail"
      cp "$configurationPath" "$out/etc/hail/agent.json"
      # Where a build can run hail, a mistake is found here; bin/activate looks again.
      if "$hailProgram" --version >/dev/null 2>&1; then
        "$hailProgram" config check --config "$out/etc/hail/agent.json" >&2
      fi
    fi
  '';

  parsed =
    if isAttrs services then
      map (name: parseService name services.${name}) (attrNames services)
    else
      fail "services ${show services} is not a set of services by name";

  hasAgentUnit = isAgent && parsed != [ ];
  units = if hasAgentUnit then [ agentUnit ] else map serviceUnit parsed;

  unitTexts = genList (index: {
    name = "unit${toString index}";
    value = (elemAt units index).text;
  }) (length units);
in
derivation (
  listToAttrs unitTexts
  // (if hasAgentUnit then { inherit configuration; } else { })
  // {
    name = "hail-systemd-bootstrap";
    inherit system hailProgram;
    builder = "${tools.bash}/bin/bash";
    args = [ "-c" buildScript ];
    PATH = "${tools.coreutils}/bin";
    # Units may be many, and the environment of a process is limited.
    passAsFile =
      [ "activate" ] ++ (if hasAgentUnit then [ "configuration" ] else [ ]) ++ map (unit: unit.name) unitTexts;
    activate = activateText;
    unitFiles = map (unit: unit.file) units;
    preferLocalBuild = true;
  }
)
