"""What may be done with accounts, a file a subject.

    desk          what all of it needs, and how a change is made to the end
    registering   who becomes a user, and the first super admin
    logging_in    names and passwords, and the end of sessions
    throttling    how many wrong passwords and registrations are too many
    standing      who acts, at the moment of the act
    tokens        the token answer: access token, refresh token
    profile       what users change about themselves
    keys          API keys
    governing     what admins change about others
    inviting      codes that make an account

Each act is one transaction, leaves a line in the audit log, and holds in this process before it is answered.
"""
