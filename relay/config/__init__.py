"""The configuration: from the text of config.yml to one frozen `Config`, or to a list of everything wrong with it.

    load         read and check a file                 exposure     refuse to be reachable with a placeholder key
    schema       every option, with its default        first_start  the config.yml of a first start
    findings     checks that other layers add          secrets      ${ENV} and file:PATH
    edit         change the text of a file in place    masking      what an admin sees of it, and the way back
    saving       replace the file, whole               versions     what was in force before
    key_import   many keys from lines, CSV or JSON

Nothing here touches the process's environment, a clock or the network: what is needed is passed in.
"""
